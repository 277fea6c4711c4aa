//! One trained model behind a small HTTP server.
//!
//! ```text
//! cargo run --release -p serve -- last.ckpt 127.0.0.1:8080
//! curl http://127.0.0.1:8080/health
//! curl http://127.0.0.1:8080/predict --data '{"views": [[[0.1, 0.2]], [[1.5, 0.7, 2.0]]]}'
//! ```
//!
//! A request has a matrix of raw values per view, a row a sample; the answer has class, probabilities and confidences of
//! each row ([`prediction`]). The model is one `Arc`, without a lock: predictions change nothing in it, and each has a tape
//! of its own. Requests wait on an event loop, predictions run on as many threads as there are cores ([`Server`]).
//!
//! `cargo run --release -p serve --bin load -- last.ckpt` fires many requests at once and compares every answer with the
//! one that a single thread gave ([`load`]).

#![forbid(unsafe_code)]

pub mod load;
pub mod prediction;
mod server;

pub use server::{Limits, Server};
