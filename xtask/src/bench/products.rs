//! Groups `gemm` and `narrow`: matrix products.

use super::machine::Limits;
use super::section::{Mark, Section, short};
use super::session::{Session, Times, geometric_mean};
use super::shapes::{self, Shape};
use super::worker::{ALL, Contestant};
use super::{job::Job, job::Layout};

/// Those who do products.
const CONTESTANTS: [Contestant; 6] = [
    Contestant::Ours,
    Contestant::Torch,
    Contestant::Numpy,
    Contestant::Faer,
    Contestant::Gemm,
    Contestant::Matrixmultiply,
];

struct Measured {
    shape: Shape,
    times: Times,
}

impl Measured {
    fn gflops(&self, who: Contestant) -> Option<f64> {
        self.times.get(&who).map(|ns| self.shape.product.flops() / ns)
    }

    fn ours(&self) -> f64 {
        self.gflops(Contestant::Ours).unwrap_or(f64::NAN)
    }

    /// The fastest of the others.
    fn best(&self) -> Option<(Contestant, f64)> {
        let others = ALL.into_iter().filter(|&who| who != Contestant::Ours);
        others.filter_map(|who| Some((who, self.gflops(who)?))).max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn ratio(&self) -> Option<f64> {
        self.best().map(|(_, best)| self.ours() / best)
    }

    fn size(&self) -> String {
        let product = &self.shape.product;
        let form = match product.layout {
            Layout::Nn => "A·B",
            Layout::Nt => "A·Bᵀ",
            Layout::Tn => "Aᵀ·B",
        };
        format!("{} × {} × {} {form}", product.m, product.n, product.k)
    }
}

fn measure(session: &mut Session, shapes: Vec<Shape>, threads: usize) -> Vec<Measured> {
    let contest = |shape: Shape| {
        let times = session.contest(&Job::Product(shape.product), &CONTESTANTS, threads);
        Measured { shape, times }
    };
    shapes.into_iter().map(contest).collect()
}

/// Squares and the large products of the model.
pub(crate) fn gemm(session: &mut Session, limits: &[Limits], quick: bool) -> Section {
    let mut section = Section::new("gemm", "Products");
    section.say(
        "GFLOP/s, medians. Sizes are rows × columns × inner dimension of the result. The ratio is ours over the best \
         of the others at that shape.",
    );
    for double in [false, true] {
        for limit in limits {
            let measured = measure(session, shapes::products(double, quick), limit.threads);
            let what = format!("{} on {}", if double { "f64" } else { "f32" }, threads(limit.threads));
            let counted: Vec<_> = measured.iter().filter(|m| !is_small_square(&m.shape)).collect();
            let ratios: Vec<f64> = counted.iter().filter_map(|m| m.ratio()).collect();
            if !ratios.is_empty() {
                let work = format!("products {what}");
                let mean = geometric_mean(&ratios);
                section.marks.push(Mark::at_least(
                    format!("{work}, geometric mean of {}", ratios.len()),
                    mean,
                    1.0,
                    "× best",
                ));
                section.marks.push(worst(&work, &counted));
            }
            if let Some(square) = measured.iter().find(|m| m.shape.what == "square 1024")
                && limit.threads == 1
            {
                let share = 100.0 * square.ours() / limit.fma(double);
                section.marks.push(Mark::at_least(
                    format!("square 1024 {what}, of the measured FMA peak"),
                    share,
                    90.0,
                    "%",
                ));
            }
            section.say(format!("**{what}**, FMA peak {} GFLOP/s:", short(limit.fma(double))));
            let others = present(&measured);
            let mut head =
                vec!["product".to_owned(), "size".to_owned(), "ours".to_owned(), "of peak".to_owned()];
            head.extend(others.iter().map(Contestant::to_string));
            if !others.is_empty() {
                head.push("ratio".to_owned());
            }
            let rows: Vec<_> =
                measured.iter().map(|m| row(m, &others, m.ours() / limit.fma(double))).collect();
            section.table(&head, &rows);
        }
    }
    section
}

/// Narrow outputs and small batches.
pub(crate) fn narrow(session: &mut Session, limits: &[Limits], quick: bool) -> Section {
    let mut section = Section::new("narrow", "Narrow products and small batches");
    section.say(
        "GFLOP/s, medians. The share of bandwidth is the bytes of the three matrices over our time, held against the \
         reading speed of the level of memory that holds them all.",
    );
    for &double in if quick { &[false][..] } else { &[false, true] } {
        for limit in limits {
            let measured = measure(session, shapes::narrow(double), limit.threads);
            let what = format!("{} on {}", if double { "f64" } else { "f32" }, threads(limit.threads));
            let share = |m: &Measured| {
                let product = &m.shape.product;
                product.bytes()
                    / m.times.get(&Contestant::Ours).unwrap_or(&f64::NAN)
                    / limit.level(product.bytes()).read
            };
            let met = |m: &Measured| m.ratio().is_some_and(|ratio| ratio >= 2.0) || share(m) >= 0.8;
            if measured.iter().any(|m| m.ratio().is_some()) {
                let count = measured.iter().filter(|m| met(m)).count();
                let ratios: Vec<_> = measured.iter().filter_map(Measured::ratio).collect();
                section.marks.push(Mark {
                    work: format!("narrow products and batches ≤ 8, {what}"),
                    asked: "each ≥ 2 × the best or ≥ 80 % of the bandwidth".into(),
                    measured: format!(
                        "{count} of {} shapes; geometric mean {} × best",
                        measured.len(),
                        short(geometric_mean(&ratios))
                    ),
                    met: count == measured.len(),
                });
            }
            section.say(format!("**{what}**:"));
            let others = present(&measured);
            let mut head =
                vec!["product".to_owned(), "size".to_owned(), "ours".to_owned(), "of bandwidth".to_owned()];
            head.extend(others.iter().map(Contestant::to_string));
            if !others.is_empty() {
                head.extend(["ratio".to_owned(), String::new()]);
            }
            let line = |m: &Measured| {
                let mut cells = row(m, &others, share(m));
                if !others.is_empty() {
                    cells.push(if met(m) { "met" } else { "not met" }.to_owned());
                }
                cells
            };
            section.table(&head, &measured.iter().map(line).collect::<Vec<_>>());
        }
    }
    section
}

fn row(m: &Measured, others: &[Contestant], share: f64) -> Vec<String> {
    let mut cells = vec![m.shape.what.clone(), m.size(), short(m.ours()), format!("{:.0} %", 100.0 * share)];
    cells.extend(others.iter().map(|&who| m.gflops(who).map_or_else(|| "–".to_owned(), short)));
    cells.extend(m.ratio().map(|ratio| format!("{ratio:.2}")));
    cells
}

fn worst(work: &str, measured: &[&Measured]) -> Mark {
    let ratio = |m: &&&Measured| m.ratio().unwrap_or(f64::INFINITY);
    let worst = measured.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b))).expect("there are shapes");
    let value = worst.ratio().unwrap_or(f64::NAN);
    let mut mark = Mark::at_least(format!("{work}, worst shape"), value, 0.9, "× best");
    let best = worst.best().map_or_else(String::new, |(who, _)| format!(", {who}"));
    mark.measured = format!("{} ({} {}{best})", mark.measured, worst.shape.what, worst.size());
    mark
}

/// The promise is about squares from 256 up.
fn is_small_square(shape: &Shape) -> bool {
    shape.what.starts_with("square") && shape.product.m < 256
}

/// Who was measured besides us.
fn present(measured: &[Measured]) -> Vec<Contestant> {
    let here =
        |who: &Contestant| *who != Contestant::Ours && measured.iter().any(|m| m.times.contains_key(who));
    ALL.into_iter().filter(here).collect()
}

pub(crate) fn threads(count: usize) -> String {
    match count {
        1 => "one thread".to_owned(),
        2 => "two threads".to_owned(),
        _ => format!("{count} threads"),
    }
}
