//! Other libraries doing the same work, each as a worker: `peers NAME THREADS`. `cargo xtask bench --peers` runs them.

mod burn_model;
mod candle_model;
// The jobs and the protocol are xtask's own files, so that both sides cannot differ.
#[path = "../../xtask/src/bench/job.rs"]
#[allow(dead_code, reason = "xtask counts operations with it")]
mod job;
mod products;
#[path = "../../xtask/src/bench/serve.rs"]
mod serve;

use job::Job;
use serve::{Run, serve};
use std::process::ExitCode;

/// The version of a dependency, as this folder's Cargo.toml asks for it.
fn title(name: &str) -> Option<&'static str> {
    Some(match name {
        "matrixmultiply" => "matrixmultiply 0.3",
        "gemm" => "gemm 0.19",
        "faer" => "faer 0.24",
        "burn" => "burn-flex 0.22",
        "candle" => "candle 0.11",
        _ => return None,
    })
}

fn prepare(name: &str, threads: usize, job: &Job) -> Result<Run, String> {
    match (name, job) {
        ("burn", Job::Step(_) | Job::Inference(_) | Job::Update(_)) => burn_model::prepare(job),
        ("candle", Job::Step(_) | Job::Inference(_) | Job::Update(_)) => candle_model::prepare(job),
        ("matrixmultiply" | "gemm" | "faer", Job::Product(product)) => {
            Ok(products::prepare(name, threads, product))
        }
        _ => Err(format!("{name} does not do this work here")),
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let known = match &args[..] {
        [name, threads] => title(name).zip(threads.parse().ok().filter(|&threads: &usize| threads > 0)),
        _ => None,
    };
    let Some((title, threads)) = known else {
        eprintln!("usage: peers matrixmultiply|gemm|faer|burn|candle THREADS");
        return ExitCode::from(2);
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    pool.build_global().expect("the first pool of the process");
    match serve(title, |job| prepare(&args[0], threads, job)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
