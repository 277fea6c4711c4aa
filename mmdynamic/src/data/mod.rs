//! From files to matrices: one cohort, several omics views, nothing doubtful let through.
//!
//! ```text
//! folder ──► Lines ──► Fields ──► read_matrix ─┬─► read_mogonet ─┐
//!           (limits)  (quotes)    labels, names │                 ├─► Cohort ──► stratified_split ──► Preprocessing
//! one wide table ───────────────────────────────┴─► read_wide ────┤  train, test                   (Imputer, Scaler)
//!                                                   generate ─────┘
//! ```
//!
//! Everything that can be wrong with a file is found here, before training starts, and is named by file, row
//! and column in a [`DataError`]. What leaves this module holds finite numbers only (and NaN, where
//! missing values were asked to be kept), as many rows in every view as there are labels, and classes `0..C` that all
//! occur in train.
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
//! use mmdynamic::data::{Missing, Preprocessing, ScalingKind, SyntheticConfig, generate, stratified_split};
//!
//! let made = generate(&SyntheticConfig { samples_train: 60, samples_test: 20, ..Default::default() })?;
//! let (train, validation) = stratified_split(&made.cohort.train.labels, 0.15, 7)?;
//! let train = made.cohort.train.subset(&train)?;
//! let validation = made.cohort.train.subset(&validation)?;
//!
//! let preprocessing = Preprocessing::fit(&train, Missing::Refuse, ScalingKind::MinMax)?;
//! let (train, validation) = (preprocessing.transform(&train)?, preprocessing.transform(&validation)?);
//! assert_eq!((train.rows(), validation.rows()), (51, 9));
//! assert_eq!(train.widths(), [200, 150, 100]);
//! # Ok::<(), mmdynamic::data::DataError>(())
//! ```

mod classes;
mod cohort;
mod columns;
mod describe;
mod error;
mod fields;
mod impute;
mod labels;
mod lines;
mod matrix;
mod mogonet;
mod names;
mod npy;
mod npy_header;
mod numbers;
mod preprocessing;
mod rows;
mod scale;
mod split;
mod stream;
mod synthetic;
mod wide;

pub use cohort::{Cohort, MultiOmics};
pub use columns::ColumnMap;
pub use describe::{
    Description, Duplicates, Group, Leak, MissingColumn, RepeatedNames, Scaling, ViewDescription, describe,
};
pub use error::DataError;
pub use fields::Delimiter;
pub use impute::{Imputer, Missing};
pub use lines::{Limits, ReadOptions};
pub use matrix::{read_matrix, read_matrix_with};
pub use mogonet::{read_mogonet, read_mogonet_with};
pub use preprocessing::Preprocessing;
pub use scale::{Scaler, ScalingKind, ViewScale};
pub use split::stratified_split;
pub use synthetic::{SyntheticCohort, SyntheticConfig, generate};
pub use wide::{read_wide, read_wide_samples};
