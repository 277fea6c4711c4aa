//! Matrices as npy files, numpy's own format (version 1.0).

use ndarray::ArrayView2;

/// The start of the data is a multiple of this.
const ALIGNMENT: usize = 64;

/// A matrix of f64, row-major. A number that was an f32 comes back as the same one.
pub(crate) fn floats(matrix: ArrayView2<'_, f64>) -> Vec<u8> {
    let (rows, columns) = matrix.dim();
    let data = matrix.iter().flat_map(|value| value.to_le_bytes());
    file("<f8", &format!("({rows}, {columns})"), data)
}

/// A vector of i64.
pub(crate) fn integers(vector: &[usize]) -> Vec<u8> {
    let data = vector.iter().flat_map(|&value| (value as i64).to_le_bytes());
    file("<i8", &format!("({},)", vector.len()), data)
}

fn file(descr: &str, shape: &str, data: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let start = b"\x93NUMPY\x01\x00";
    // The length of the header comes between; a line end closes it.
    let whole = (start.len() + 2 + header.len() + 1).next_multiple_of(ALIGNMENT);
    let len = whole - start.len() - 2;
    header.extend(std::iter::repeat_n(' ', len - header.len() - 1));
    header.push('\n');
    let mut bytes = Vec::from(start);
    bytes.extend(u16::try_from(len).expect("two sizes are short").to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_bytes_are_those_of_numpy() {
        // np.save(file, np.array([[0.25, 0.75], [1, 0], [0.5, 0.5]])), numpy 2.4.6
        let header = "\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }";
        let bytes = floats(array![[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]].view());
        assert_eq!(bytes.len(), 128 + 3 * 2 * 8);
        assert_eq!((bytes[0], &bytes[1..6]), (0x93, &b"NUMPY"[..]));
        assert!(bytes[6..].starts_with(header.as_bytes()), "{}", String::from_utf8_lossy(&bytes[..128]));
        assert!(bytes[6 + header.len()..127].iter().all(|&byte| byte == b' ') && bytes[127] == b'\n');
        assert_eq!(bytes[128..144], [0.25_f64.to_le_bytes(), 0.75_f64.to_le_bytes()].concat());
    }

    #[test]
    fn a_column_of_a_transposed_matrix_and_a_vector_keep_their_order() {
        let matrix = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes();
        assert_eq!(floats(matrix.view())[136..144], 4.0_f64.to_le_bytes());
        let bytes = integers(&[7, 0]);
        assert!(
            String::from_utf8_lossy(&bytes)
                .contains("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }")
        );
        assert_eq!(bytes[128..136], 7_i64.to_le_bytes());
    }
}
