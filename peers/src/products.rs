//! Matrix products of matrixmultiply, gemm and faer.
//!
//! The only `unsafe` of this folder: the first two have no other interface than pointers.

use crate::job::{Layout, Product};
use crate::serve::Run;
use std::hint::black_box;

/// Numbers between -1 and 1 that cost nothing to make.
pub(crate) fn numbers(count: usize) -> impl Iterator<Item = f64> {
    let mut state = 1u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}

trait Number: Copy + 'static {
    fn of(x: f64) -> Self;
    /// A function of matrixmultiply, which has one per type.
    #[allow(clippy::type_complexity, reason = "the signature of the library's function")]
    const MATRIXMULTIPLY: unsafe fn(
        usize, usize, usize, Self, *const Self, isize, isize, *const Self, isize, isize, Self, *mut Self, isize, isize,
    );
}

impl Number for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
    const MATRIXMULTIPLY: unsafe fn(
        usize, usize, usize, f32, *const f32, isize, isize, *const f32, isize, isize, f32, *mut f32, isize, isize,
    ) = matrixmultiply::sgemm;
}

impl Number for f64 {
    fn of(x: f64) -> Self {
        x
    }
    const MATRIXMULTIPLY: unsafe fn(
        usize, usize, usize, f64, *const f64, isize, isize, *const f64, isize, isize, f64, *mut f64, isize, isize,
    ) = matrixmultiply::dgemm;
}

/// The product `job` by the library `name`.
pub(crate) fn prepare(name: &str, threads: usize, job: &Product) -> Run {
    match (name, job.double) {
        ("matrixmultiply", false) => by_matrixmultiply::<f32>(job),
        ("matrixmultiply", true) => by_matrixmultiply::<f64>(job),
        ("gemm", false) => by_gemm::<f32>(job, threads, 1.0, 0.0),
        ("gemm", true) => by_gemm::<f64>(job, threads, 1.0, 0.0),
        (_, false) => by_faer::<f32>(job, threads, 1.0),
        (_, true) => by_faer::<f64>(job, threads, 1.0),
    }
}

/// Two operands and their row and column strides, and the result, by rows.
struct Operands<T> {
    a: Vec<T>,
    a_strides: (isize, isize),
    b: Vec<T>,
    b_strides: (isize, isize),
    c: Vec<T>,
}

impl<T: Number> Operands<T> {
    fn new(&Product { layout, m, n, k, .. }: &Product) -> Self {
        let matrix = |count| numbers(count).map(T::of).collect();
        Operands {
            a: matrix(m * k),
            a_strides: if layout == Layout::Tn { (1, m as isize) } else { (k as isize, 1) },
            b: matrix(k * n),
            b_strides: if layout == Layout::Nt { (1, k as isize) } else { (n as isize, 1) },
            c: matrix(m * n),
        }
    }
}

/// The library takes its number of threads from the environment, `MATMUL_NUM_THREADS`.
fn by_matrixmultiply<T: Number>(job: &Product) -> Run {
    let (Product { m, n, k, .. }, mut o) = (*job, Operands::<T>::new(job));
    let ((ars, acs), (brs, bcs)) = (o.a_strides, o.b_strides);
    Box::new(move || {
        let (a, b) = (black_box(&o.a).as_ptr(), black_box(&o.b).as_ptr());
        // SAFETY: the strides stay inside the vectors, which hold all three matrices.
        unsafe {
            T::MATRIXMULTIPLY(
                m, k, n, T::of(1.0), a, ars, acs, b, brs, bcs, T::of(0.0), o.c.as_mut_ptr(), n as isize, 1,
            );
        }
    })
}

fn by_gemm<T: Number>(job: &Product, threads: usize, one: T, zero: T) -> Run {
    let (Product { m, n, k, .. }, mut o) = (*job, Operands::<T>::new(job));
    let ((ars, acs), (brs, bcs)) = (o.a_strides, o.b_strides);
    let parallelism = if threads == 1 { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(threads) };
    Box::new(move || {
        let (a, b) = (black_box(&o.a).as_ptr(), black_box(&o.b).as_ptr());
        // SAFETY: the strides stay inside the vectors, which hold all three matrices. The library's own form is
        // alpha · dst + beta · lhs · rhs.
        unsafe {
            gemm::gemm(
                m, n, k, o.c.as_mut_ptr(), 1, n as isize, false, a, acs, ars, b, bcs, brs, zero, one, false, false,
                false, parallelism,
            );
        }
    })
}

fn by_faer<T: Number + faer::traits::ComplexField>(job: &Product, threads: usize, one: T) -> Run {
    use faer::{Accum, MatMut, MatRef, Par};
    let (Product { layout, m, n, k, .. }, mut o) = (*job, Operands::<T>::new(job));
    let par = if threads == 1 { Par::Seq } else { Par::rayon(threads) };
    Box::new(move || {
        let a = match layout {
            Layout::Tn => MatRef::from_row_major_slice(&o.a, k, m).transpose(),
            _ => MatRef::from_row_major_slice(&o.a, m, k),
        };
        let b = match layout {
            Layout::Nt => MatRef::from_row_major_slice(&o.b, n, k).transpose(),
            _ => MatRef::from_row_major_slice(&o.b, k, n),
        };
        let c = MatMut::from_row_major_slice_mut(&mut o.c, m, n);
        faer::linalg::matmul::matmul(c, Accum::Replace, black_box(a), black_box(b), one, par);
    })
}
