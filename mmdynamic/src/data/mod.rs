//! From files to matrices: one cohort, several omics views, nothing doubtful let through.
//!
//! ```text
//! folder ──► Lines ──► Fields ──► read_matrix ─┐
//!           (limits)  (quotes)    labels, names ├─► read_mogonet ──► Cohort ──► stratified_split ──► MinMaxScaler
//!                                    generate ──┘                   train, test
//! ```
//!
//! Everything that can be wrong with a file is found here, before training starts, and is named by file, row
//! and column in a [`DataError`]. What leaves this module holds finite numbers only, as many rows in every
//! view as there are labels, and classes `0..C` that all occur in train.
//!
//! **Why not the csv crate.** It does reading well and refusing badly: a quoted field without an end becomes
//! the last field, a record may grow without bound, and rows are not lines once a quote swallows a newline. A
//! matrix of numbers needs one rule, a line is a row, and with it the reader is two short files ([`Limits`]
//! says what they bound).
//!
//! **Parallel reading.** The lines of a block of text become numbers side by side, in a fixed place each: the result is
//! the same for any number of threads. `scripts/csv_speed.py` compares with numpy and pandas.
//!
//! ```
//! use mmdynamic::data::{generate, stratified_split, MinMaxScaler, SyntheticConfig};
//!
//! let made = generate(&SyntheticConfig { samples_train: 60, samples_test: 20, ..Default::default() })?;
//! let (train, validation) = stratified_split(&made.cohort.train.labels, 0.15, 7)?;
//! let train = made.cohort.train.subset(&train)?;
//! let validation = made.cohort.train.subset(&validation)?;
//!
//! let scaler = MinMaxScaler::fit(&train)?;
//! let (train, validation) = (scaler.transform(&train)?, scaler.transform(&validation)?);
//! assert_eq!((train.rows(), validation.rows()), (51, 9));
//! assert_eq!(train.widths(), [200, 150, 100]);
//! # Ok::<(), mmdynamic::data::DataError>(())
//! ```

mod cohort;
mod describe;
mod error;
mod fields;
mod labels;
mod lines;
mod matrix;
mod mogonet;
mod names;
mod scale;
mod split;
mod stream;
mod synthetic;

pub use cohort::{Cohort, MultiOmics};
pub use describe::{Description, Duplicates, Group, Leak, Scaling, ViewDescription, describe};
pub use error::DataError;
pub use lines::Limits;
pub use matrix::{read_matrix, read_matrix_within};
pub use mogonet::{read_mogonet, read_mogonet_within};
pub use scale::{MinMaxScaler, ViewScale};
pub use split::stratified_split;
pub use synthetic::{SyntheticCohort, SyntheticConfig, generate};
