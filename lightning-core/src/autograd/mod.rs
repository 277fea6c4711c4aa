//! Reverse-mode differentiation: a tape, handles on it, and one small rule per operation.
//!
//! # The tour
//!
//! A [`Tape`] is a list of values. Computing with a [`Var`] (a handle: the tape and an index) appends to it:
//! the new value, the indices of its inputs, and an [`Op`] that knows how to carry a gradient back. As a value
//! can only be made from older ones, the order of creation is already a topological order, and a backward
//! pass is one sweep from the loss to the start: no sort, no recursion, no hash.
//!
//! ```
//! use lightning_core::{Parameter, Tape};
//! use ndarray::array;
//!
//! let weight = Parameter::new(array![[1.0, 2.0]].into_dyn()); // outlives the step
//! let mut tape = Tape::new();
//! {
//!     let x = tape.constant(array![[3.0, 4.0]]);              // data: no gradient
//!     let y = x.linear(tape.parameter(&weight), None);        // x · wᵀ = 11
//!     let loss = (y - 10.0).powf(2.0).mean();                 // operators build the graph
//!     assert_eq!(loss.item(), 1.0);
//!     loss.backward();                                        // fills weight.grad()
//! }
//! assert_eq!(weight.grad().unwrap(), array![[6.0, 8.0]].into_dyn());
//! tape.reset();                                               // memory is kept for the next step
//! ```
//!
//! # Why it is so
//!
//! * **`Copy` handles.** With reference-counted tensors users write `&a * &b` or `.clone()`; a handle gives
//!   `a * b + c`. It borrows the tape, and [`Tape::reset`] takes the tape mutably: a graph that leaks into
//!   the next batch does not compile.
//! * **No gradient that nobody wants.** A node none of whose inputs needs a gradient keeps no operation; an
//!   operation asks [`Backward::needs`] before it works. The data's own gradient is a third of a layer's work.
//! * **In place.** A gradient is written or added straight into its buffer ([`Backward::add_with`]), and
//!   broadcasting is undone in one place for all operations.
//! * **Views share memory.** Slices, transposes and reshapes copy nothing: values on a tape never change.
//! * **Steps write in place.** [`Var::backward`] lets go of the parameters it walked through, so that an
//!   optimizer need not copy what a tape still holds.
//!
//! Shapes that do not fit panic at the caller's line with both shapes: they are mistakes in a program, and
//! `?` after every operator would hide the formulas. Second derivatives are out of scope.

mod anomaly;
mod check;
mod nodes;
mod observer;
mod op;
mod param;
mod pool;
mod tape;
mod var;

pub use anomaly::Anomaly;
pub use check::{GradcheckError, gradcheck, gradcheck_with};
pub use observer::{OpObserver, OpRun};
pub use op::{Backward, Op};
pub use param::{Parameter, ToUpdate};
pub use tape::Tape;
pub use var::Var;
