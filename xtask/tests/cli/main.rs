//! The program from outside: what it prints, what it writes, how it ends.

mod baselines;
mod bench;
mod checkpoints;
#[cfg(unix)]
mod ci;
mod config;
mod cv;
mod data;
mod data_docs;
mod data_fetch;
mod data_prepare;
mod data_wide;
mod exchange;
mod exchange_python;
mod explain;
mod help;
mod readme;
mod real_data;
mod refused;
mod report;
#[cfg(unix)]
mod resume;
mod robustness;
#[cfg(unix)]
mod signals;
mod support;
mod train;
mod wrong_use;
