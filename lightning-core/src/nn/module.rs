//! The tree of named parameters and its switches: PyTorch's `nn.Module` without `forward`.

use crate::{Float, Parameter};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something with parameters. The one required method lists the parts under PyTorch's `state_dict` names.
///
/// ```
/// use lightning_core::nn::{Collector, Dropout, Linear, Module};
/// use lightning_core::Seed;
///
/// struct Net {
///     encoder: Linear,
///     dropout: Dropout,
/// }
/// impl Module for Net {
///     fn collect<'a>(&'a self, into: &mut Collector<'a>) {
///         into.child("encoder", &self.encoder);
///         into.child("dropout", &self.dropout);
///     }
/// }
///
/// let net = Net { encoder: Linear::new(3, 2, &mut Seed(0).stream("init")), dropout: Dropout::new(0.5) };
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["encoder.weight", "encoder.bias"]);
/// net.eval();
/// assert!(!net.dropout.is_training());
/// ```
pub trait Module<F: Float = f32>: Send + Sync {
    /// Lists parameters, switches and child modules, one line a field.
    fn collect<'a>(&'a self, into: &mut Collector<'a, F>);

    /// The parameters under their `state_dict` names, in the order of [`collect`](Self::collect).
    fn named_parameters(&self) -> Vec<(String, Parameter<F>)> {
        Collector::of(self).parameters
    }

    /// The parameters, for an optimizer.
    fn parameters(&self) -> Vec<Parameter<F>> {
        self.named_parameters().into_iter().map(|(_, parameter)| parameter).collect()
    }

    /// Writes each parameter's name into it, so that messages can say which one they mean.
    fn assign_names(&self) {
        for (name, parameter) in self.named_parameters() {
            parameter.set_name(&name);
        }
    }

    /// Switches every part to training (dropout on).
    fn train(&self) {
        Collector::of(self).modes.iter().for_each(|mode| mode.set(true));
    }

    /// Switches every part to evaluation (dropout off).
    fn eval(&self) {
        Collector::of(self).modes.iter().for_each(|mode| mode.set(false));
    }

    /// Stops all parameters from learning and switches to evaluation, as Lightning's `freeze`.
    fn freeze(&self) {
        self.parameters().iter().for_each(|parameter| parameter.set_requires_grad(false));
        self.eval();
    }

    /// Lets all parameters learn and switches to training.
    fn unfreeze(&self) {
        self.parameters().iter().for_each(|parameter| parameter.set_requires_grad(true));
        self.train();
    }

    /// Forgets all gradients.
    fn zero_grad(&self) {
        self.parameters().iter().for_each(Parameter::zero_grad);
    }

    /// A copy of every parameter under its name.
    fn state_dict(&self) -> BTreeMap<String, ArrayD<F>> {
        self.named_parameters()
            .into_iter()
            .map(|(name, parameter)| (name, parameter.value().into_owned()))
            .collect()
    }

    /// Sets the parameters from a [`state_dict`](Self::state_dict) with exactly their names and shapes.
    ///
    /// # Errors
    /// With a list of everything that does not fit; nothing is changed then.
    fn load_state_dict(&self, state: &BTreeMap<String, ArrayD<F>>) -> Result<(), LoadError> {
        let report = load(&self.named_parameters(), state, true);
        if report.is_exact() { Ok(()) } else { Err(LoadError(report)) }
    }

    /// Sets the parameters that fit and reports what did not: PyTorch's `strict=False`.
    fn load_matching(&self, state: &BTreeMap<String, ArrayD<F>>) -> LoadReport {
        load(&self.named_parameters(), state, false)
    }
}

/// Collects the parts of a module tree with their dotted names.
pub struct Collector<'a, F: Float = f32> {
    prefix: String,
    parameters: Vec<(String, Parameter<F>)>,
    modes: Vec<&'a Mode>,
}

impl<'a, F: Float> Collector<'a, F> {
    fn of<M: Module<F> + ?Sized>(module: &'a M) -> Self {
        let mut collector = Collector { prefix: String::new(), parameters: Vec::new(), modes: Vec::new() };
        module.collect(&mut collector);
        collector
    }

    /// A parameter of this module.
    pub fn parameter(&mut self, name: &str, parameter: &Parameter<F>) {
        self.parameters.push((format!("{}{name}", self.prefix), parameter.clone()));
    }

    /// The train / eval switch of this module.
    pub fn mode(&mut self, mode: &'a Mode) {
        self.modes.push(mode);
    }

    /// A child module.
    pub fn child(&mut self, name: &str, module: &'a (impl Module<F> + ?Sized)) {
        let outer = self.prefix.len();
        self.prefix.push_str(name);
        self.prefix.push('.');
        module.collect(self);
        self.prefix.truncate(outer);
    }

    /// Child modules named `name.0`, `name.1`, …: PyTorch's `ModuleList`.
    pub fn children<M: Module<F> + 'a>(&mut self, name: &str, modules: &'a [M]) {
        for (i, module) in modules.iter().enumerate() {
            self.child(&format!("{name}.{i}"), module);
        }
    }
}

/// A train / eval switch. It starts in training, as in PyTorch, and can be set through a shared reference, so
/// that a model which serves many threads needs no lock.
#[derive(Debug)]
pub struct Mode(AtomicBool);

impl Default for Mode {
    fn default() -> Self {
        Mode(AtomicBool::new(true))
    }
}

impl Mode {
    /// Whether it is in training.
    pub fn is_training(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets training (`true`) or evaluation (`false`).
    pub fn set(&self, training: bool) {
        self.0.store(training, Ordering::Relaxed);
    }
}

/// The state of every switch of a module, to be put back after an evaluation.
#[cfg(feature = "trainer")]
pub(crate) struct SavedModes(Vec<bool>);

#[cfg(feature = "trainer")]
impl SavedModes {
    /// Remembers the switches.
    pub(crate) fn remember<F: Float>(module: &(impl Module<F> + ?Sized)) -> Self {
        SavedModes(Collector::of(module).modes.iter().map(|mode| mode.is_training()).collect())
    }

    pub(crate) fn restore<F: Float>(self, module: &(impl Module<F> + ?Sized)) {
        for (mode, training) in Collector::of(module).modes.iter().zip(self.0) {
            mode.set(training);
        }
    }
}

/// What a state and a module do not share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Parameters that the state does not have.
    pub missing: Vec<String>,
    /// Entries of the state that the module does not have.
    pub unexpected: Vec<String>,
    /// Entries of another shape: name, shape in the state, shape in the module.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl LoadReport {
    /// Whether everything fits.
    pub fn is_exact(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }
}

/// A state that does not fit the module.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the weights do not fit the model: {}", .0.describe())]
pub struct LoadError(pub LoadReport);

impl LoadReport {
    fn describe(&self) -> String {
        let list = |what: &str, names: &[String]| match names {
            [] => None,
            [first, second, _, _, ..] => {
                Some(format!("{what} {first}, {second} and {} more", names.len() - 2))
            }
            few => Some(format!("{what} {}", few.join(", "))),
        };
        let shapes = self.misshapen.first().map(|(name, found, expected)| {
            let more = match self.misshapen.len() {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            format!("{name} has shape {found:?}, the model wants {expected:?}{more}")
        });
        let parts = [list("missing", &self.missing), list("unexpected", &self.unexpected), shapes];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

fn load<F: Float>(
    parameters: &[(String, Parameter<F>)],
    state: &BTreeMap<String, ArrayD<F>>,
    strict: bool,
) -> LoadReport {
    let mut report = LoadReport::default();
    let mut fitting = Vec::new();
    for (name, parameter) in parameters {
        match state.get(name) {
            None => report.missing.push(name.clone()),
            Some(array) if array.shape() != parameter.shape() => {
                report.misshapen.push((name.clone(), array.shape().to_vec(), parameter.shape()));
            }
            Some(array) => fitting.push((parameter, array)),
        }
    }
    report.unexpected =
        state.keys().filter(|&key| !parameters.iter().any(|(name, _)| name == key)).cloned().collect();
    if report.is_exact() || !strict {
        for (parameter, array) in fitting {
            parameter.set_value(array.view());
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Dropout, Linear};
    use crate::{Seed, Tape};
    use ndarray::Array2;

    struct Net {
        layers: Vec<Linear<f64>>,
        dropout: Dropout,
    }
    impl Module<f64> for Net {
        fn collect<'a>(&'a self, into: &mut Collector<'a, f64>) {
            into.children("layers", &self.layers);
            into.child("dropout", &self.dropout);
        }
    }

    fn net(seed: u64) -> Net {
        let mut rng = Seed(seed).stream("init");
        Net {
            layers: vec![Linear::new(3, 2, &mut rng), Linear::new(2, 1, &mut rng)],
            dropout: Dropout::new(0.5),
        }
    }

    #[test]
    fn names_are_those_of_a_state_dict() {
        let names: Vec<String> = net(0).named_parameters().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
    }

    #[test]
    fn a_state_goes_to_another_module_and_nothing_moves_if_it_does_not_fit() {
        let (a, b) = (net(1), net(2));
        b.load_state_dict(&a.state_dict()).expect("the same architecture");
        assert_eq!(a.state_dict(), b.state_dict());
        let mut wrong = net(3).state_dict();
        wrong.remove("layers.1.bias");
        wrong.insert("layers.0.bias".into(), ArrayD::zeros(vec![5]));
        wrong.insert("head.weight".into(), ArrayD::zeros(vec![1]));
        let error = b.load_state_dict(&wrong).expect_err("it does not fit");
        assert_eq!(
            error.to_string(),
            "the weights do not fit the model: missing layers.1.bias; unexpected head.weight; \
             layers.0.bias has shape [5], the model wants [2]"
        );
        assert_eq!(a.state_dict(), b.state_dict());
        assert_eq!(b.load_matching(&wrong), error.0);
        assert_ne!(a.state_dict(), b.state_dict());
    }

    #[test]
    fn a_frozen_module_gets_no_gradient_and_does_not_drop() {
        let net = net(0);
        let run = || {
            let tape = Tape::new();
            let x = tape.leaf(Array2::ones((2, 3)));
            use crate::nn::Layer;
            net.dropout.forward(net.layers[0].forward(x)).sum().backward();
            net.layers[0].weight.grad().is_some()
        };
        net.freeze();
        assert!(!run() && !net.dropout.is_training());
        net.unfreeze();
        assert!(run() && net.dropout.is_training());
    }
}
