//! What all optimizers share: groups of parameters with settings of their own, moments, state dictionaries.

use crate::OptimError;
use lightning_core::kernels::update_blocks;
use lightning_core::optim::{Optimizer, StateDict, StateError};
use lightning_core::{Float, Parameter};
use ndarray::{ArrayD, IxDyn};

/// The arithmetic of one optimizer; a value of the type is the settings of a group.
pub trait Rule<F: Float>: Clone + Send + 'static {
    /// The optimizer's name.
    const NAME: &'static str;

    /// What a step computes once per parameter instead of once per element.
    type Scalars: Sync;

    /// Confirms that the settings are in their ranges.
    ///
    /// # Errors
    /// The first that is not.
    fn check(&self) -> Result<(), OptimError>;

    /// Names of the arrays kept for each parameter; at most three.
    fn moments(&self) -> &'static [&'static str];

    /// The constants of a parameter's step number `step`, from 1.
    fn scalars(&self, step: u64) -> Self::Scalars;

    /// Changes a piece of a parameter; `moments` are the pieces of its arrays, empty beyond those it has.
    fn update(scalars: &Self::Scalars, value: &mut [F], grad: &[F], moments: [&mut [F]; 3]);

    /// All settings that are numbers, by name; switches are 0 or 1 and cannot be written.
    fn numbers(&self) -> Vec<(&'static str, f64)>;

    /// Sets a number again.
    fn set_number(&mut self, name: &str, value: f64);

    /// The name of the momentum among the numbers, if there is one.
    fn momentum_name() -> Option<&'static str>;
}

/// An optimizer: groups of parameters, each changed by a [`Rule`] with settings of its own.
pub struct Grouped<F: Float, R> {
    groups: Vec<Group<F, R>>,
}

struct Group<F: Float, R> {
    parameters: Vec<Parameter<F>>,
    rule: R,
    states: Vec<State<F>>,
}

/// Of one parameter: its own count of steps, as it may lack a gradient in some.
#[derive(Clone, Default)]
struct State<F> {
    step: u64,
    moments: Vec<Vec<F>>,
}

impl<F: Float, R: Rule<F>> Grouped<F, R> {
    /// An optimizer of one group.
    ///
    /// # Errors
    /// If a setting is out of its range or a parameter is given twice.
    pub fn new(parameters: Vec<Parameter<F>>, options: R) -> Result<Self, OptimError> {
        let mut optimizer = Grouped { groups: Vec::new() };
        optimizer.add_param_group(parameters, options)?;
        Ok(optimizer)
    }

    /// Adds a group with settings of its own.
    ///
    /// # Errors
    /// If a setting is out of its range or a parameter is in the optimizer already.
    pub fn add_param_group(&mut self, parameters: Vec<Parameter<F>>, options: R) -> Result<(), OptimError> {
        options.check()?;
        for (index, parameter) in parameters.iter().enumerate() {
            let mut before =
                self.groups.iter().flat_map(|group| &group.parameters).chain(&parameters[..index]);
            if before.any(|other| other.is_same(parameter)) {
                return Err(OptimError::Twice { optimizer: R::NAME, index, name: parameter.name() });
            }
        }
        let states = parameters.iter().map(|_| State { step: 0, moments: Vec::new() }).collect();
        self.groups.push(Group { parameters, rule: options, states });
        Ok(())
    }

    /// The settings of a group.
    pub fn options(&self, group: usize) -> &R {
        &self.groups[group].rule
    }

    fn number(&self, group: usize, name: &str) -> Option<f64> {
        self.groups[group]
            .rule
            .numbers()
            .into_iter()
            .find(|&(other, _)| other == name)
            .map(|(_, value)| value)
    }
}

impl<F: Float, R: Rule<F>> Optimizer<F> for Grouped<F, R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn step(&mut self) {
        for Group { parameters, rule, states } in &mut self.groups {
            for (parameter, state) in parameters.iter().zip(states) {
                parameter.update(|mut value, grad| {
                    state.step += 1;
                    state.moments.resize_with(rule.moments().len(), || vec![F::zero(); value.len()]);
                    let scalars = rule.scalars(state.step);
                    let grad = grad.as_standard_layout();
                    let value = value.as_slice_mut().expect("a parameter is contiguous");
                    let grad = grad.as_slice().expect("a standard layout is one slice");
                    let mut moments = state.moments.iter_mut().map(Vec::as_mut_slice);
                    let moments = [(); 3].map(|()| moments.next().unwrap_or_default());
                    update_blocks(value, grad, moments, |value, grad, moments| {
                        R::update(&scalars, value, grad, moments);
                    });
                });
            }
        }
    }

    fn groups(&self) -> usize {
        self.groups.len()
    }
    fn parameters(&self, group: usize) -> &[Parameter<F>] {
        &self.groups[group].parameters
    }
    fn lr(&self, group: usize) -> f64 {
        self.number(group, "lr").expect("every rule has a learning rate")
    }
    fn set_lr(&mut self, group: usize, lr: f64) {
        self.groups[group].rule.set_number("lr", lr);
    }
    fn momentum(&self, group: usize) -> Option<f64> {
        R::momentum_name().and_then(|name| self.number(group, name))
    }
    fn set_momentum(&mut self, group: usize, momentum: f64) {
        if let Some(name) = R::momentum_name() {
            self.groups[group].rule.set_number(name, momentum);
        }
    }

    fn state_dict(&self) -> StateDict<F> {
        let mut dict = StateDict::default();
        let mut index = 0;
        for (g, group) in self.groups.iter().enumerate() {
            for (name, value) in group.rule.numbers() {
                dict.numbers.insert(format!("param_groups.{g}.{name}"), value);
            }
            for (parameter, state) in group.parameters.iter().zip(&group.states) {
                dict.numbers.insert(format!("state.{index}.step"), state.step as f64);
                for (name, moment) in group.rule.moments().iter().zip(&state.moments) {
                    let array = ArrayD::from_shape_vec(IxDyn(&parameter.shape()), moment.clone());
                    dict.arrays.insert(format!("state.{index}.{name}"), array.expect("a moment per element"));
                }
                index += 1;
            }
        }
        dict
    }

    fn load_state_dict(&mut self, dict: &StateDict<F>) -> Result<(), StateError> {
        let mut used = Vec::new();
        let mut index = 0;
        let mut loaded = Vec::new();
        for (g, group) in self.groups.iter().enumerate() {
            let mut rule = group.rule.clone();
            for (name, _) in group.rule.numbers() {
                let key = format!("param_groups.{g}.{name}");
                rule.set_number(name, dict.number(&key)?);
                used.push(key);
            }
            let mut states = Vec::new();
            for parameter in &group.parameters {
                let key = format!("state.{index}.step");
                let mut state = State { step: dict.number(&key)? as u64, moments: Vec::new() };
                used.push(key);
                for name in rule.moments().iter().filter(|_| state.step > 0) {
                    let key = format!("state.{index}.{name}");
                    state.moments.push(dict.array(&key, &parameter.shape())?.iter().copied().collect());
                    used.push(key);
                }
                states.push(state);
                index += 1;
            }
            loaded.push((rule, states));
        }
        if let Some(key) = dict.numbers.keys().chain(dict.arrays.keys()).find(|key| !used.contains(key)) {
            return Err(StateError::Unexpected(key.clone()));
        }
        for (group, (rule, states)) in self.groups.iter_mut().zip(loaded) {
            (group.rule, group.states) = (rule, states);
        }
        Ok(())
    }
}
