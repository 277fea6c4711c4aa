//! The header of a npy file: what numbers follow, in which order and shape.

use std::io::Read;

/// A header that is longer is none: numpy's are 128 bytes.
const MAX_HEADER: usize = 1 << 16;

/// What is wrong, and what was expected.
type Refusal = (String, &'static str);

const DICT: &str = "numpy's dictionary of descr, fortran_order and shape";

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: Number,
    /// Whether columns follow each other, not rows.
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
}

/// Types of numbers, all little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    F32,
    F64,
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl Number {
    const ALL: [Number; 11] = [
        Number::F32,
        Number::F64,
        Number::Bool,
        Number::I8,
        Number::I16,
        Number::I32,
        Number::I64,
        Number::U8,
        Number::U16,
        Number::U32,
        Number::U64,
    ];

    /// As numpy writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Number::F32 => "<f4",
            Number::F64 => "<f8",
            Number::Bool => "|b1",
            Number::I8 => "|i1",
            Number::I16 => "<i2",
            Number::I32 => "<i4",
            Number::I64 => "<i8",
            Number::U8 => "|u1",
            Number::U16 => "<u2",
            Number::U32 => "<u4",
            Number::U64 => "<u8",
        }
    }

    /// Bytes of a number.
    pub(super) fn size(self) -> usize {
        usize::from(self.name().as_bytes()[2] - b'0')
    }

    /// The number in `size` bytes.
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        let [a, b, c, d, ..] = eight;
        let four = [a, b, c, d];
        match self {
            Number::F32 => f64::from(f32::from_le_bytes(four)),
            Number::F64 => f64::from_le_bytes(eight),
            Number::I8 => f64::from(a as i8),
            Number::I16 => f64::from(i16::from_le_bytes([a, b])),
            Number::I32 => f64::from(i32::from_le_bytes(four)),
            Number::I64 => i64::from_le_bytes(eight) as f64,
            Number::Bool | Number::U8 | Number::U16 | Number::U32 | Number::U64 => {
                u64::from_le_bytes(eight) as f64
            }
        }
    }
}

impl Header {
    /// Reads the header, and says how many bytes it took.
    pub(super) fn read(input: &mut impl Read) -> Result<(Self, u64), Refusal> {
        let magic = || ("other bytes than numpy's at its start".to_owned(), "a file that numpy.save wrote");
        let mut start = [0; 8];
        input.read_exact(&mut start).map_err(|_| magic())?;
        let [b'\x93', b'N', b'U', b'M', b'P', b'Y', version, _] = start else { return Err(magic()) };
        let digits = match version {
            1 => 2,
            2 | 3 => 4,
            _ => return Err((format!("version {version}"), "version 1, 2 or 3 of the format")),
        };
        let mut length = [0; 4];
        let cut = |_| ("a header that is cut".to_owned(), "a whole file, as numpy.save writes it");
        input.read_exact(&mut length[..digits]).map_err(cut)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_HEADER {
            return Err((format!("a header of {length} bytes"), "one of at most 65,536 bytes"));
        }
        let mut text = vec![0; length];
        input.read_exact(&mut text).map_err(cut)?;
        let text = String::from_utf8(text).map_err(|_| ("a header that is no text".to_owned(), DICT))?;
        Ok((Self::parse(&text)?, (8 + digits + length) as u64))
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let broken =
            || (format!("the header {:?}", text.trim_end().chars().take(100).collect::<String>()), DICT);
        let inner =
            text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or_else(broken)?;
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        let mut rest = inner.trim();
        while !rest.is_empty() {
            let (key, value) = rest.split_once(':').ok_or_else(broken)?;
            let value = value.trim_start();
            let end = match value.as_bytes().first() {
                Some(b'(') => value.find(')').map(|end| end + 1),
                Some(b'[') => value.find(']').map(|end| end + 1),
                _ => value.find(','),
            };
            let (value, behind) = value.split_at(end.unwrap_or(value.len()));
            match key.trim().trim_matches(['\'', '"']) {
                "descr" => descr = Some(value.trim()),
                "fortran_order" => fortran = Some(value.trim()),
                "shape" => shape = Some(value.trim()),
                _ => return Err(broken()),
            }
            rest = behind.trim_start().trim_start_matches(',').trim_start();
        }
        let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else { return Err(broken()) };
        let fortran = match fortran {
            "True" => true,
            "False" => false,
            _ => return Err(broken()),
        };
        Ok(Header { number: number(descr)?, fortran, shape: axes(shape).ok_or_else(broken)? })
    }
}

fn number(descr: &str) -> Result<Number, Refusal> {
    let name = descr.trim_matches(['\'', '"']);
    Number::ALL.into_iter().find(|number| number.name() == name).ok_or_else(|| {
        let expected = match name.as_bytes() {
            [b'>', ..] => "little endian numbers; save the array with .astype('<f4')",
            _ => "plain numbers; save the array with .astype('<f4')",
        };
        (format!("numbers of type {}", name.chars().take(40).collect::<String>()), expected)
    })
}

/// The numbers of `(3, 4)` or `(3,)`.
fn axes(shape: &str) -> Option<Vec<usize>> {
    let inner = shape.strip_prefix('(')?.strip_suffix(')')?.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner);
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    inner.split(',').map(|axis| axis.trim().trim_end_matches('L').parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_however_it_was_written() {
        for (text, number, fortran, shape) in [
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }  \n",
                Number::F64,
                false,
                vec![3, 4],
            ),
            ("{'shape': (5,), 'fortran_order': True, 'descr': '|u1'}", Number::U8, true, vec![5]),
            ("{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":()}", Number::F32, false, vec![]),
        ] {
            assert_eq!(Header::parse(text), Ok(Header { number, fortran, shape }), "{text}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused_with_what_was_expected() {
        for (text, expected) in [
            ("{'descr': '>f8', 'fortran_order': False, 'shape': (3, 4), }", "little endian"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3, 4), }", "plain numbers"),
            ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }", "plain numbers"),
            ("{'descr': '<f8', 'fortran_order': 0, 'shape': (3, 4), }", "dictionary"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, -4), }", "dictionary"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4, }", "dictionary"),
            ("{'descr': '<f8', 'fortran_order': False}", "dictionary"),
            ("{'descr'", "dictionary"),
            ("", "dictionary"),
        ] {
            let (_, said) = Header::parse(text).unwrap_err();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn every_type_has_its_value() {
        assert_eq!(Number::I16.value(&(-2i16).to_le_bytes()), -2.0);
        assert_eq!(Number::I8.value(&[255]), -1.0);
        assert_eq!(Number::U8.value(&[255]), 255.0);
        assert_eq!(Number::I64.value(&(-7i64).to_le_bytes()), -7.0);
        assert_eq!(Number::F32.value(&0.1f32.to_le_bytes()), f64::from(0.1f32));
        assert_eq!(Number::U32.value(&u32::MAX.to_le_bytes()), 4_294_967_295.0);
    }
}
