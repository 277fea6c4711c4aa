//! What all optimizers share: parameter groups, state for each parameter, saving and loading.
//!
//! An optimizer is an [`UpdateRule`], its settings, with a [`BlockStep`] that changes a piece of a parameter; [`Grouped`] makes
//! the rule an [`Optimizer`]. To add an optimizer is to write one file like `sgd.rs`.

use crate::{Entries, OptimError};
use lightning_core::kernels::{BlockStep, Update, update_blocks};
use lightning_core::optim::{Optimizer, StateDict, StateError};
use lightning_core::{Float, Parameter, ToUpdate};
use ndarray::ArrayD;
use std::collections::BTreeSet;

/// The settings of one parameter group, and how they change a parameter.
pub trait UpdateRule: Clone + Send {
    /// PyTorch's name of the optimizer.
    const NAME: &'static str;

    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`OptimError::Setting`] names the setting, its value and its range.
    fn check(&self) -> Result<(), OptimError>;

    /// Visits every setting under PyTorch's name.
    fn entries(&mut self, entries: &mut Entries<'_>);

    /// The learning rate.
    fn lr(&mut self) -> &mut f64;

    /// The momentum, or what stands for it.
    fn momentum(&mut self) -> &mut f64;

    /// The weight decay.
    fn weight_decay(&self) -> f64;

    /// PyTorch's names of the arrays that a parameter's state has.
    fn arrays(&self) -> &'static [&'static str];

    /// One step of one parameter. Its moments are the [arrays](Self::arrays) of the parameter's state.
    type Step<F: Float>: BlockStep<F>;

    /// Begins a step of a parameter with `len` elements: counts it in `state`, which is `None` until the rule makes one.
    fn begin<F: Float>(&self, state: &mut Option<ParameterState<F>>, len: usize) -> Self::Step<F>;
}

/// What an optimizer remembers of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterState<F> {
    /// Updates so far, of this parameter: those without a gradient do not count.
    pub step: u64,
    /// The arrays named by [`UpdateRule::arrays`], each as long as the parameter.
    pub arrays: Vec<Vec<F>>,
}

impl<F: Float> ParameterState<F> {
    /// No update yet, `arrays` arrays of zeros.
    pub fn zeros(arrays: usize, len: usize) -> Self {
        ParameterState { step: 0, arrays: (0..arrays).map(|_| written_zeros(len)).collect() }
    }
}

/// Zeros that were written. The system gives memory page by page when it is first written; left to the threads of an update,
/// they would wait for each other at every page.
fn written_zeros<F: Float>(len: usize) -> Vec<F> {
    let mut numbers = vec![F::one(); len];
    numbers.fill(F::zero());
    numbers
}

/// An optimizer with parameter groups: what [`Adam`](crate::Adam), [`AdamW`](crate::AdamW) and
/// [`Sgd`](crate::Sgd) are.
///
/// A parameter without gradient is passed over: neither weight decay nor its step count touch it. Values are
/// changed in place. State arrays are made at a parameter's first update.
///
/// State entries: `param_groups.{g}.lr` and the other settings, `param_groups.{g}.params` (how many parameters),
/// `state.{i}.step` and `state.{i}.exp_avg` and the like, `i` counting the parameters through all groups.
#[derive(Debug)]
pub struct Grouped<F: Float, R> {
    groups: Vec<Group<F, R>>,
}

#[derive(Debug)]
struct Group<F: Float, R> {
    options: R,
    parameters: Vec<Parameter<F>>,
    states: Vec<Option<ParameterState<F>>>,
}

impl<F: Float, R: UpdateRule> Grouped<F, R> {
    /// An optimizer with one parameter group.
    ///
    /// # Errors
    /// If there are no parameters, one is there twice, or a setting is out of range.
    pub fn new(parameters: Vec<Parameter<F>>, options: R) -> Result<Self, OptimError> {
        if parameters.is_empty() {
            return Err(OptimError::NoParameters);
        }
        let mut optimizer = Grouped { groups: Vec::new() };
        optimizer.add_param_group(parameters, options)?;
        Ok(optimizer)
    }

    /// Adds a group with settings of its own. Do so before schedulers start: they set what they find then.
    ///
    /// # Errors
    /// If a parameter is in a group already or a setting is out of range; the optimizer is then unchanged.
    pub fn add_param_group(&mut self, parameters: Vec<Parameter<F>>, options: R) -> Result<(), OptimError> {
        options.check()?;
        for (i, parameter) in parameters.iter().enumerate() {
            let second = self.groups.len();
            let before = parameters[..i].iter().map(|other| (second, other));
            if let Some((first, _)) = self.grouped().chain(before).find(|(_, other)| parameter.is_same(other))
            {
                return Err(OptimError::SharedParameter { name: parameter.name(), first, second });
            }
        }
        let states = vec![None; parameters.len()];
        self.groups.push(Group { options, parameters, states });
        Ok(())
    }

    /// The settings of a group.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn options(&self, group: usize) -> &R {
        &self.groups[group].options
    }

    /// All parameters with the index of their group.
    fn grouped(&self) -> impl Iterator<Item = (usize, &Parameter<F>)> {
        let groups = self.groups.iter().enumerate();
        groups.flat_map(|(g, group)| group.parameters.iter().map(move |parameter| (g, parameter)))
    }
}

impl<F: Float, R: UpdateRule> Optimizer<F> for Grouped<F, R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn step(&mut self) {
        let groups = self
            .groups
            .iter_mut()
            .map(|Group { options, parameters, states }| (&*options, parameters, states));
        let (mut parameters, mut states) = (Vec::new(), Vec::new());
        for (options, of_group, its_states) in groups {
            parameters.extend(of_group.iter());
            states.extend(its_states.iter_mut().map(|state| (options, state)));
        }
        Parameter::update_all(&parameters, |slices| {
            let mut states = states.into_iter().enumerate();
            let pieces = slices.into_iter().filter_map(|ToUpdate { index, value, grad, factor }| {
                let (_, (options, state)) = states.find(|&(j, _)| index == j)?;
                let step = options.begin(state, value.len()).scaled(factor);
                let mut arrays = state.iter_mut().flat_map(|state| &mut state.arrays);
                let moments = [(); 3].map(|()| arrays.next().map_or(&mut [][..], |array| &mut array[..]));
                Some(Update { step, value, grad, moments })
            });
            update_blocks(pieces.collect());
        });
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }

    fn parameters(&self, group: usize) -> &[Parameter<F>] {
        &self.groups[group].parameters
    }

    fn lr(&self, group: usize) -> f64 {
        *self.groups[group].options.clone().lr()
    }

    fn set_lr(&mut self, group: usize, lr: f64) {
        *self.groups[group].options.lr() = lr;
    }

    fn momentum(&self, group: usize) -> Option<f64> {
        Some(*self.groups[group].options.clone().momentum())
    }

    fn weight_decay(&self, group: usize) -> Option<f64> {
        Some(self.groups[group].options.weight_decay())
    }

    fn set_momentum(&mut self, group: usize, momentum: f64) {
        *self.groups[group].options.momentum() = momentum;
    }

    fn state_dict(&self) -> StateDict<F> {
        let mut state = StateDict::default();
        let mut entries = Entries::save(&mut state.numbers);
        for (g, group) in self.groups.iter().enumerate() {
            entries.under(format!("param_groups.{g}."));
            group.options.clone().entries(&mut entries);
            entries.count("params", &mut (group.parameters.len() as u64));
        }
        let states = self.groups.iter().flat_map(|group| {
            let parameters = group.parameters.iter().zip(&group.states);
            parameters.map(|(parameter, state)| (group.options.arrays(), parameter, state))
        });
        for (i, (names, parameter, saved)) in states.enumerate() {
            let Some(saved) = saved else { continue };
            entries.under(format!("state.{i}."));
            entries.count("step", &mut saved.step.clone());
            for (name, array) in names.iter().zip(&saved.arrays) {
                let array = ArrayD::from_shape_vec(parameter.shape(), array.clone());
                state.arrays.insert(format!("state.{i}.{name}"), array.expect("as long as the parameter"));
            }
        }
        state
    }

    fn load_state_dict(&mut self, state: &StateDict<F>) -> Result<(), StateError> {
        let mut entries = Entries::load(&state.numbers);
        let mut used = BTreeSet::new();
        let mut loaded = Vec::with_capacity(self.groups.len());
        let mut i = 0;
        for (g, group) in self.groups.iter().enumerate() {
            let options = load_group(&mut entries, g, group);
            let mut states = Vec::with_capacity(group.parameters.len());
            for parameter in &group.parameters {
                states.push(load_parameter(&mut entries, &mut used, state, i, parameter, options.arrays())?);
                i += 1;
            }
            loaded.push((options, states));
        }
        entries.finish()?;
        if let Some(name) = state.arrays.keys().find(|name| !used.contains(*name)) {
            return Err(StateError::Unexpected(name.clone()));
        }
        for (group, (options, states)) in self.groups.iter_mut().zip(loaded) {
            (group.options, group.states) = (options, states);
        }
        Ok(())
    }
}

fn load_group<F: Float, R: UpdateRule>(entries: &mut Entries<'_>, g: usize, group: &Group<F, R>) -> R {
    entries.under(format!("param_groups.{g}."));
    let mut options = group.options.clone();
    options.entries(entries);
    let expected = group.parameters.len() as u64;
    let mut found = expected;
    entries.count("params", &mut found);
    if found != expected {
        entries.refuse("params", found as f64, "as many parameters as the group has here");
    }
    // Schedules may leave the range that a constructor asks for: a linear one-cycle ends below 0.
    let mut checked = options.clone();
    (*checked.lr(), *checked.momentum()) = (0.0, 0.5);
    entries.check(checked.check());
    options
}

fn load_parameter<F: Float>(
    entries: &mut Entries<'_>,
    used: &mut BTreeSet<String>,
    state: &StateDict<F>,
    i: usize,
    parameter: &Parameter<F>,
    names: &[&str],
) -> Result<Option<ParameterState<F>>, StateError> {
    entries.under(format!("state.{i}."));
    if !entries.has("step") {
        return Ok(None);
    }
    let (mut step, shape) = (0, parameter.shape());
    entries.count("step", &mut step);
    let mut arrays = Vec::with_capacity(names.len());
    for name in names {
        let name = format!("state.{i}.{name}");
        arrays.push(state.array(&name, &shape)?.iter().copied().collect());
        used.insert(name);
    }
    Ok(Some(ParameterState { step, arrays }))
}
