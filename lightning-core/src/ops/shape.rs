//! Shape rules shared by the operations, and the panics that name both shapes.

/// The shape of two operands after broadcasting, or `None`: axes are matched from the right, and an axis of
/// length 1 or a missing one is repeated.
pub(crate) fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let ndim = a.len().max(b.len());
    let axis = |shape: &[usize], i: usize| (i + shape.len()).checked_sub(ndim).map_or(1, |i| shape[i]);
    (0..ndim)
        .map(|i| match (axis(a, i), axis(b, i)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

#[track_caller]
pub(crate) fn check_axis(op: &str, axis: usize, shape: &[usize]) {
    assert!(axis < shape.len(), "{op}: axis {axis} of a value with {} axes, shape {shape:?}", shape.len());
}

#[track_caller]
pub(crate) fn check_labels(op: &str, labels: &[usize], shape: &[usize]) -> (usize, usize) {
    let &[rows, classes] = shape else {
        panic!("{op}: wants scores of shape (rows, classes), found {shape:?}")
    };
    assert!(
        labels.len() == rows,
        "{op}: {} labels for scores of shape {shape:?} (rows, classes)",
        labels.len()
    );
    if let Some((row, label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        panic!(
            "{op}: label {label} of row {row} is out of range for scores of shape {shape:?} (rows, classes)"
        );
    }
    (rows, classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_match_from_the_right() {
        assert_eq!(broadcast_shapes(&[3, 1], &[4]), Some(vec![3, 4]));
        assert_eq!(broadcast_shapes(&[], &[2, 3]), Some(vec![2, 3]));
        assert_eq!(broadcast_shapes(&[2, 0], &[1]), Some(vec![2, 0]));
        assert_eq!(broadcast_shapes(&[2, 3], &[2]), None);
    }
}
