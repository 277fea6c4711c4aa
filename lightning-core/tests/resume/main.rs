//! A run that is stopped or killed anywhere, and resumed, ends as if nothing had happened: the same weights bit for
//! bit, the same rows in every log, the same choice of best checkpoint.

mod callbacks;
mod damaged;
mod faults;
mod killed;
mod program;
mod stopped;
