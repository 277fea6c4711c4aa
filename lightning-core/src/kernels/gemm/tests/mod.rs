//! Every road on every instruction set that this processor has, against a plain product in `f64`.

mod epilogue;

use super::kernels::Family;
use super::{gemm, gemm_with};
use crate::Float;
use ndarray::{Array2, ArrayView2, Axis, s};
use proptest::prelude::*;

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Rows,
    Columns,
    /// Every third column of every second row, from an offset on.
    Sliced,
    /// Columns of the same.
    SlicedColumns,
    /// Rows from the last to the first, columns too.
    Reversed,
    /// A transpose with its rows reversed.
    ReversedColumns,
}

fn layout() -> impl Strategy<Value = Layout> {
    use Layout::*;
    prop::sample::select(vec![Rows, Columns, Sliced, SlicedColumns, Reversed, ReversedColumns])
}

/// Memory for a matrix of this layout; the places between its elements are NaN, so that reading one is noticed.
fn memory<F: Float>(layout: Layout, values: &Array2<F>) -> Array2<F> {
    let (m, n) = values.dim();
    let shape = match layout {
        Layout::Rows | Layout::Reversed => (m, n),
        Layout::Columns | Layout::ReversedColumns => (n, m),
        Layout::Sliced => (2 * m + 1, 3 * n + 2),
        Layout::SlicedColumns => (2 * n + 1, m + 3),
    };
    let mut memory = Array2::from_elem(shape, F::nan());
    view_mut(layout, &mut memory, (m, n)).assign(values);
    memory
}

fn view_mut<F>(
    layout: Layout,
    memory: &mut Array2<F>,
    (m, n): (usize, usize),
) -> ndarray::ArrayViewMut2<'_, F> {
    let view = memory.view_mut();
    let mut view = match layout {
        Layout::Rows | Layout::Reversed => view,
        Layout::Columns | Layout::ReversedColumns => view.reversed_axes(),
        Layout::Sliced => view.slice_move(s![1..;2, 2..;3]),
        Layout::SlicedColumns => view.slice_move(s![1..;2, 3..]).reversed_axes(),
    };
    if matches!(layout, Layout::Reversed | Layout::ReversedColumns) {
        view.invert_axis(Axis(0));
    }
    if matches!(layout, Layout::Reversed) {
        view.invert_axis(Axis(1));
    }
    assert_eq!(view.dim(), (m, n));
    view
}

/// A value that depends on its place alone, so that a failing case prints as its shape.
fn filled<F: Float>(rows: usize, cols: usize, salt: usize) -> Array2<F> {
    Array2::from_shape_fn((rows, cols), |(i, j)| {
        F::of(((i * 31 + j * 17 + i * j + salt) % 23) as f64 / 7.0 - 1.5)
    })
}

/// The result and the sum of absolute products, by which its rounding error is measured.
fn naive<F: Float>(
    alpha: F,
    a: ArrayView2<'_, F>,
    b: ArrayView2<'_, F>,
    beta: F,
    c: &Array2<F>,
) -> Array2<(f64, f64)> {
    let (a, b) = (a.mapv(F::as_f64), b.mapv(F::as_f64));
    Array2::from_shape_fn(c.dim(), |(i, j)| {
        let (row, column) = (a.row(i), b.column(j));
        let dot: f64 = row.iter().zip(column).map(|(x, y)| x * y).sum();
        let size: f64 = row.iter().zip(column).map(|(x, y)| (x * y).abs()).sum();
        let old = if beta.is_zero() { 0.0 } else { beta.as_f64() * c[[i, j]].as_f64() };
        (alpha.as_f64() * dot + old, alpha.as_f64().abs() * size + old.abs())
    })
}

/// One product on every family against the plain one.
fn check<F: Float>((m, n, k): (usize, usize, usize), layouts: [Layout; 3], alpha: f64, beta: f64) {
    let (alpha, beta) = (F::of(alpha), F::of(beta));
    let (mut a, mut b) =
        (memory(layouts[0], &filled::<F>(m, k, 1)), memory(layouts[1], &filled::<F>(k, n, 2)));
    let (a, b) = (view_mut(layouts[0], &mut a, (m, k)), view_mut(layouts[1], &mut b, (k, n)));
    // With beta = 0 the old content must not be read: NaN would show it.
    let old = if beta.is_zero() { Array2::from_elem((m, n), F::nan()) } else { filled(m, n, 3) };
    let expected = naive(alpha, a.view(), b.view(), beta, &old);
    for family in Family::available() {
        let mut around = memory(layouts[2], &old);
        let before = around.clone();
        gemm_with(family, alpha, a.view(), b.view(), beta, view_mut(layouts[2], &mut around, (m, n)));
        let got = view_mut(layouts[2], &mut around, (m, n)).to_owned();
        for ((at, x), (y, size)) in got.indexed_iter().zip(&expected) {
            let error = (x.as_f64() - y).abs();
            let allowed = F::epsilon().as_f64() * (k as f64 + 4.0) * size;
            assert!(
                error <= allowed,
                "{family:?} {at:?} of {m}×{n}×{k} {layouts:?} α {alpha} β {beta}: {x}, not {y}"
            );
        }
        // Nothing beside the matrix has changed.
        view_mut(layouts[2], &mut around, (m, n)).assign(&old);
        let same = around.iter().zip(&before).all(|(x, y)| x == y || (x.is_nan() && y.is_nan()));
        assert!(same, "{family:?} {m}×{n}×{k} {layouts:?} wrote beside the matrix");
    }
}

fn beta() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.0, 1.0, -0.5])
}

/// Sizes with the edges of registers and strips more often than chance would.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![0usize..=70, 0usize..=9, prop::sample::select(vec![15, 16, 17, 47, 48, 49, 63, 64, 65, 96])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 400 }, ..ProptestConfig::default() })]

    #[test]
    fn products_of_any_shape_and_layout(m in size(), n in size(), k in size(), a in layout(), b in layout(), c in layout(),
                                        alpha in -2.0..2.0f64, beta in beta()) {
        check::<f32>((m, n, k), [a, b, c], alpha, beta);
        check::<f64>((m, n, k), [a, b, c], alpha, beta);
    }

    #[test]
    fn thin_products_of_any_layout(thin in 0usize..=9, long in 0usize..=300, k in 0usize..=300, a in layout(), b in layout(),
                                   c in layout(), beta in beta()) {
        check::<f32>((thin, long, k), [a, b, c], 1.0, beta);
        check::<f64>((long, thin, k), [a, b, c], -0.5, beta);
        check::<f32>((long, k.min(80), thin), [a, b, c], 1.0, beta);
    }
}

/// One thread packs in another way than several.
fn on_one_thread_and_on_two(check: impl Fn() + Sync) {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
        pool.install(&check);
    }
}

#[test]
fn products_of_several_blocks() {
    use Layout::*;
    // Over kc in both types, over a tile in both directions, and over nc and mc; B of more than a second-level cache.
    let shapes = [
        (150, 300, 1030),
        (70, 530, 600),
        (300, 61, 70),
        (49, 4100, 9),
        (4100, 49, 9),
        (9, 9, 2100),
        (61, 1100, 530),
        (40, 200, 1100),
    ];
    on_one_thread_and_on_two(|| {
        for shape in shapes {
            for layouts in [
                [Rows, Columns, Rows],
                [Columns, Rows, Rows],
                [Rows, Rows, Columns],
                [Sliced, Reversed, Sliced],
            ] {
                check::<f32>(shape, layouts, 1.0, 1.0);
                check::<f64>(shape, layouts, 0.5, 0.0);
            }
        }
    });
}

#[test]
fn few_rows_have_the_same_bits_whether_b_is_stored_by_rows_or_by_columns() {
    for (m, n, k) in [(9, 30, 600), (33, 200, 70), (100, 230, 1030)] {
        for (alpha, beta) in [(1.0, 0.0), (-0.7, 0.0), (0.3, -0.6)] {
            let (a, by_rows) = (filled::<f32>(m, k, 1), filled::<f32>(k, n, 2));
            let by_columns = memory(Layout::Columns, &by_rows);
            for family in Family::available() {
                let [x, y] = [by_rows.view(), by_columns.t()].map(|b| {
                    let mut c = filled::<f32>(m, n, 3);
                    gemm_with(family, alpha, a.view(), b, beta, c.view_mut());
                    c
                });
                assert_eq!(x, y, "{family:?} {m}×{n}×{k} α {alpha} β {beta}");
            }
        }
    }
}

#[test]
fn rows_a_multiple_of_four_kilobytes_apart() {
    on_one_thread_and_on_two(|| {
        for layouts in [[Layout::Rows; 3], [Layout::Rows, Layout::Columns, Layout::Rows]] {
            check::<f32>((100, 120, 1024), layouts, 1.0, 0.0);
            check::<f64>((100, 120, 512), layouts, 1.0, 0.0);
            check::<f64>((100, 512, 120), layouts, 1.0, 0.0);
        }
    });
}

#[test]
fn repeated_rows_columns_and_numbers() {
    let (row, column, one) = (filled::<f32>(1, 50, 1), filled::<f32>(60, 1, 2), filled::<f32>(1, 1, 3));
    for (m, n, k) in [(60, 50, 60), (60, 3, 50), (2, 50, 60), (60, 50, 3), (60, 50, 1)] {
        let a = [
            one.broadcast((m, k)),
            row.broadcast((60, 50)).filter(|_| (m, k) == (60, 50)),
            column.broadcast((60, 60)).filter(|_| (m, k) == (60, 60)),
        ];
        let b = [
            one.broadcast((k, n)),
            column.broadcast((60, 50)).filter(|_| (k, n) == (60, 50)),
            row.broadcast((50, 50)).filter(|_| (k, n) == (50, 50)),
        ];
        for a in a.into_iter().flatten() {
            for b in b.iter().flatten() {
                for family in Family::available() {
                    let mut c = Array2::from_elem((m, n), f32::NAN);
                    let expected = naive(1.0, a, b.view(), 0.0, &c);
                    gemm_with(family, 1.0, a, b.view(), 0.0, c.view_mut());
                    for (x, (y, size)) in c.iter().zip(&expected) {
                        assert!(
                            (f64::from(*x) - y).abs() <= 1e-5 * size,
                            "{family:?} {m}×{n}×{k}: {x}, not {y}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn nan_and_infinity_reach_their_row_and_column_and_no_other() {
    for (m, n, k) in [(60, 70, 50), (50, 2, 90), (3, 100, 70), (3, 100, 1), (1, 1, 1), (70, 40, 2)] {
        for family in Family::available() {
            let (mut a, b) = (Array2::<f32>::ones((m, k)), Array2::<f32>::ones((k, n)));
            a[[m - 1, k - 1]] = f32::NAN;
            if m > 1 {
                a[[0, 0]] = f32::INFINITY;
            }
            let mut c = Array2::zeros((m, n));
            gemm_with(family, 1.0, a.view(), b.view(), 0.0, c.view_mut());
            for ((i, j), &x) in c.indexed_iter() {
                let right = if i == m - 1 {
                    x.is_nan()
                } else if i == 0 {
                    x == f32::INFINITY
                } else {
                    x == k as f32
                };
                assert!(right, "{family:?} {m}×{n}×{k}: {x} at ({i}, {j})");
            }
            // An infinity times a zero is NaN: zeros are not skipped.
            if m > 1 {
                gemm_with(family, 1.0, a.view(), Array2::zeros((k, n)).view(), 0.0, c.view_mut());
                assert!(c[[0, 0]].is_nan() && c[[0, n - 1]].is_nan());
            }
        }
    }
}

/// A shape for each road, whole registers and the rest of one.
const ROADS: [(usize, usize, usize); 8] = [
    (60, 70, 50),
    (50, 2, 90),
    (3, 100, 70),
    (37, 61, 5),
    (61, 37, 1),
    (1, 100, 33),
    (2, 33, 64),
    (9, 5, 1100),
];

/// `a` has one number in each row, `b` is one number everywhere: so is each row of the product, exactly.
fn check_rows<F: Float>(numbers: &[F], factor: F) {
    for (m, n, k) in ROADS {
        for family in Family::available() {
            let mut a = Array2::<F>::zeros((m, k));
            for i in 0..m {
                a[[i, i * 7 % k]] = numbers[i % numbers.len()];
            }
            let (b, mut c) = (Array2::from_elem((k, n), factor), Array2::from_elem((m, n), F::nan()));
            gemm_with(family, F::one(), a.view(), b.view(), F::zero(), c.view_mut());
            for ((i, j), &x) in c.indexed_iter() {
                let expected = numbers[i % numbers.len()] * factor;
                let same = x == expected || x.is_nan() && expected.is_nan();
                assert!(same, "{family:?} {m}×{n}×{k}: {x:e} at ({i}, {j}), not {expected:e}");
            }
        }
    }
}

#[test]
fn the_smallest_and_largest_numbers_are_kept_on_every_road() {
    let (tiny32, tiny64) = (f32::from_bits(1), f64::from_bits(1));
    let single =
        [tiny32, -3.0 * tiny32, f32::MIN_POSITIVE / 2.0, f32::MIN_POSITIVE, 1e-38, 1e38, -f32::MAX, 0.0];
    let double =
        [tiny64, -3.0 * tiny64, f64::MIN_POSITIVE / 2.0, f64::MIN_POSITIVE, 1e-308, 1e308, -f64::MAX, 0.0];
    // Kept, halved into the subnormal numbers, brought back from them, and beyond the largest.
    for factor in [1.0, 0.5, 1e38, 4.0, -0.0] {
        check_rows::<f32>(&single, factor);
    }
    for factor in [1.0, 0.5, 1e308, 4.0, -0.0] {
        check_rows::<f64>(&double, factor);
    }
}

#[test]
fn subnormal_numbers_add_up_exactly_on_every_road() {
    for (m, n, k) in ROADS {
        for family in Family::available() {
            let a = Array2::from_shape_fn((m, k), |(i, p)| f32::from_bits((i + p) as u32 % 9));
            let (b, mut c) = (Array2::ones((k, n)), Array2::from_elem((m, n), f32::NAN));
            gemm_with(family, 1.0, a.view(), b.view(), 0.0, c.view_mut());
            for ((i, j), x) in c.indexed_iter() {
                let units = (0..k).map(|p| (i + p) as u32 % 9).sum();
                assert_eq!(
                    x.to_bits(),
                    f32::to_bits(f32::from_bits(units)),
                    "{family:?} {m}×{n}×{k} ({i}, {j})"
                );
            }
        }
    }
}

#[test]
fn nan_in_a_column_of_b_reaches_that_column_and_no_other() {
    for (m, n, k) in ROADS {
        for family in Family::available() {
            let (a, mut b, mut c) =
                (Array2::<f64>::ones((m, k)), Array2::ones((k, n)), Array2::zeros((m, n)));
            b[[k / 2, n - 1]] = f64::NAN;
            gemm_with(family, 1.0, a.view(), b.view(), 0.0, c.view_mut());
            let right =
                c.indexed_iter().all(|((_, j), x)| if j == n - 1 { x.is_nan() } else { *x == k as f64 });
            assert!(right, "{family:?} {m}×{n}×{k}");
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    use Layout::*;
    // Blocked with several kc, blocked and transposed, dot products, few rows, outer products short and flat; all large enough to share.
    let shapes = [
        (500, 130, 700),
        (130, 500, 70),
        (3000, 2, 900),
        (2, 900, 3000),
        (1, 9000, 300),
        (3, 3000, 500),
        (900, 2400, 2),
        (50, 700, 600),
    ];
    for (m, n, k) in shapes {
        for (la, lb) in [(Rows, Rows), (Rows, Columns), (Columns, Rows)] {
            let (mut a, mut b) = (memory(la, &filled::<f32>(m, k, 6)), memory(lb, &filled::<f32>(k, n, 7)));
            let (a, b) = (view_mut(la, &mut a, (m, k)), view_mut(lb, &mut b, (k, n)));
            let product = |family: Family, threads: usize| {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
                let mut c = Array2::<f32>::zeros((m, n));
                pool.install(|| gemm_with(family, 1.0, a.view(), b.view(), 0.0, c.view_mut()));
                c
            };
            for family in Family::available() {
                let one = product(family, 1);
                for threads in [2, 3, 4, 7, 16] {
                    assert_eq!(
                        one,
                        product(family, threads),
                        "{family:?} {m}×{n}×{k} {la:?} {lb:?}, {threads} threads"
                    );
                }
            }
        }
    }
}

#[test]
fn an_empty_inner_dimension_is_zero() {
    let mut c = Array2::from_elem((2, 3), f64::NAN);
    gemm(1.0, Array2::zeros((2, 0)).view(), Array2::zeros((0, 3)).view(), 0.0, c.view_mut());
    assert_eq!(c, Array2::<f64>::zeros((2, 3)));
    c.fill(3.0);
    gemm(1.0, Array2::zeros((2, 0)).view(), Array2::zeros((0, 3)).view(), 0.5, c.view_mut());
    assert_eq!(c, Array2::from_elem((2, 3), 1.5));
}

#[test]
#[should_panic(expected = "gemm: 2 × 3 times 4 × 5 does not give 2 × 5")]
fn shapes_that_do_not_fit_are_named() {
    let mut c = Array2::<f32>::zeros((2, 5));
    gemm(1.0, Array2::zeros((2, 3)).view(), Array2::zeros((4, 5)).view(), 0.0, c.view_mut());
}
