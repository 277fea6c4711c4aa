//! Parameters: arrays that outlive a step, shared by a layer and its optimizer.

use crate::Float;
use crate::kernels::apply0;
use ndarray::{ArcArray, ArrayD, ArrayViewD, ArrayViewMutD, IxDyn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

/// A trainable array with its gradient: PyTorch's `nn.Parameter`.
///
/// A clone is another handle of the same parameter, so that `Adam::new(model.parameters(), …)` reads as in
/// PyTorch. Handles may be used from many threads.
///
/// ```
/// use lightning_core::{Parameter, Tape};
/// use ndarray::array;
/// let w = Parameter::new(array![2.0, 3.0].into_dyn());
/// let tape = Tape::new();
/// let v = tape.parameter(&w);
/// (v * v).sum().backward();
/// assert_eq!(w.grad().unwrap(), array![4.0, 6.0].into_dyn());
/// ```
#[derive(Clone, Debug)]
pub struct Parameter<F: Float = f32>(Arc<Inner<F>>);

#[derive(Debug)]
struct Inner<F: Float> {
    name: RwLock<String>,
    value: RwLock<ArcArray<F, IxDyn>>,
    grad: Mutex<Gradient<F>>,
    requires_grad: AtomicBool,
}

#[derive(Debug)]
struct Gradient<F> {
    current: Option<ArrayD<F>>,
    /// What `current` is still to be multiplied by. An optimizer does it in its own pass; whoever else looks has it done first.
    factor: Option<F>,
    /// The buffer of the gradient cleared last, which the next backward pass fills again.
    spare: Option<ArrayD<F>>,
}

impl<F: Float> Gradient<F> {
    /// The gradient, as it is to be seen.
    fn settled(&mut self) -> Option<&mut ArrayD<F>> {
        if let (Some(grad), Some(factor)) = (&mut self.current, self.factor.take()) {
            apply0(grad.view_mut(), move |g| g * factor);
        }
        self.current.as_mut()
    }
}

impl<F: Float> Parameter<F> {
    /// A parameter with this value that requires a gradient.
    pub fn new(value: ArrayD<F>) -> Self {
        let value = one_slice(value);
        Parameter(Arc::new(Inner {
            name: RwLock::default(),
            value: RwLock::new(value.into_shared()),
            grad: Mutex::new(Gradient { current: None, factor: None, spare: None }),
            requires_grad: AtomicBool::new(true),
        }))
    }

    /// The name under which the module tree knows it, `""` before [`Module::assign_names`](crate::nn::Module::assign_names).
    pub fn name(&self) -> String {
        self.0.name.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_name(&self, name: &str) {
        let mut own = self.0.name.write().unwrap_or_else(PoisonError::into_inner);
        if *own != name {
            name.clone_into(&mut own);
        }
    }

    /// The current value; shares memory until the parameter changes.
    pub fn value(&self) -> ArcArray<F, IxDyn> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> Vec<usize> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).shape().to_vec()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces the value.
    ///
    /// # Panics
    /// If the shape differs.
    #[track_caller]
    pub fn set_value(&self, value: ArrayViewD<'_, F>) {
        let mut own = self.0.value.write().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(own.shape(), value.shape(), "parameter `{}` keeps its shape", self.name());
        own.assign(&value);
    }

    /// The accumulated gradient, if a backward pass reached this parameter since it was last cleared.
    pub fn grad(&self) -> Option<ArrayD<F>> {
        self.gradient().settled().cloned()
    }

    /// Sets or clears the gradient.
    ///
    /// # Panics
    /// If the shape differs from the value's.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<ArrayD<F>>) {
        if let Some(grad) = &grad {
            assert_eq!(grad.shape(), self.shape(), "the gradient of `{}` has its shape", self.name());
        }
        let mut own = self.gradient();
        (own.current, own.factor) = (grad.map(one_slice), None);
    }

    /// Changes the gradient in place, if there is one: clipping, scaling.
    pub fn with_grad<R>(&self, f: impl FnOnce(ArrayViewMutD<'_, F>) -> R) -> Option<R> {
        self.gradient().settled().map(|grad| f(grad.view_mut()))
    }

    /// Whether there is a gradient.
    pub fn has_grad(&self) -> bool {
        self.gradient().current.is_some()
    }

    /// Multiplies the gradient, if there is one. Nothing is done before somebody looks: an optimizer multiplies in its own
    /// pass, which saves one over the gradients. The numbers are the same.
    pub fn scale_grad(&self, factor: F) {
        let mut grad = self.gradient();
        if grad.settled().is_some() {
            grad.factor = Some(factor);
        }
    }

    /// Calls `f` with the gradients of those parameters that have one, each a slice in row-major order, all at once. A
    /// parameter that is there twice counts once.
    pub fn with_grads<R>(parameters: &[Self], f: impl FnOnce(&[&[F]]) -> R) -> R {
        let mut order: Vec<usize> = (0..parameters.len()).collect();
        order.sort_unstable_by_key(|&i| (parameters[i].address(), i));
        order.dedup_by_key(|i| parameters[*i].address());
        // Locked by address, so that two callers never wait for each other; looked at in the order of the parameters.
        let mut locked: Vec<_> = order.into_iter().map(|i| (i, parameters[i].gradient())).collect();
        locked.sort_unstable_by_key(|&(i, _)| i);
        let slices = locked.iter_mut().filter_map(|(_, grad)| grad.settled()?.as_slice());
        f(&slices.collect::<Vec<_>>())
    }

    /// Forgets the gradient, PyTorch's `zero_grad(set_to_none=True)`: an optimizer then skips the parameter.
    pub fn zero_grad(&self) {
        let mut grad = self.gradient();
        grad.factor = None;
        if let Some(old) = grad.current.take() {
            grad.spare = Some(old);
        }
    }

    /// Calls `f(value, gradient)` to change the value in place, if there is a gradient: an optimizer's step.
    ///
    /// Nothing is copied unless a live tape still holds the old value.
    pub fn update<R>(&self, f: impl FnOnce(ArrayViewMutD<'_, F>, ArrayViewD<'_, F>) -> R) -> Option<R> {
        let mut grad = self.gradient();
        let grad = grad.settled()?;
        Some(f(self.value_mut().view_mut(), grad.view()))
    }

    /// Calls `f` with every parameter that has a gradient, all at once: one pass of an optimizer over all of them.
    ///
    /// Nothing is copied unless a live tape still holds an old value.
    ///
    /// # Panics
    /// If a parameter is there twice.
    #[track_caller]
    pub fn update_all<R>(parameters: &[&Self], f: impl FnOnce(Vec<ToUpdate<'_, F>>) -> R) -> R {
        // By address, so that two optimizers that share parameters never wait for each other.
        let mut order: Vec<usize> = (0..parameters.len()).collect();
        order.sort_unstable_by_key(|&i| parameters[i].address());
        let twice = order.windows(2).any(|pair| parameters[pair[0]].is_same(parameters[pair[1]]));
        assert!(!twice, "update_all: a parameter is there twice");
        let mut locked: Vec<_> = order
            .into_iter()
            .filter_map(|i| {
                let grad = parameters[i].gradient();
                grad.current.is_some().then(|| (i, parameters[i].value_mut(), grad))
            })
            .collect();
        locked.sort_unstable_by_key(|&(i, ..)| i);
        let slices = locked.iter_mut().map(|(i, value, grad)| {
            let value = value.as_slice_mut().expect("a value is one slice");
            let factor = grad.factor.unwrap_or(F::one());
            let grad =
                grad.current.as_ref().and_then(|grad| grad.as_slice()).expect("a gradient is one slice");
            ToUpdate { index: *i, value, grad, factor }
        });
        f(slices.collect())
    }

    /// Whether backward passes compute a gradient for it.
    pub fn requires_grad(&self) -> bool {
        self.0.requires_grad.load(Ordering::Relaxed)
    }

    /// Freezes (`false`) or unfreezes (`true`) the parameter.
    pub fn set_requires_grad(&self, requires: bool) {
        self.0.requires_grad.store(requires, Ordering::Relaxed);
    }

    /// Adds `grad` to the accumulated gradient and gives back the buffer that is free after that.
    pub(crate) fn accumulate(&self, grad: ArrayD<F>) -> Option<ArrayD<F>> {
        let mut own = self.gradient();
        own.settled();
        match &mut own.current {
            Some(sum) => {
                *sum += &grad;
                Some(grad)
            }
            none => {
                *none = Some(one_slice(grad));
                None
            }
        }
    }

    pub(crate) fn take_spare(&self) -> Option<ArrayD<F>> {
        self.gradient().spare.take()
    }

    /// Whether both handles belong to the same parameter.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    fn value_mut(&self) -> RwLockWriteGuard<'_, ArcArray<F, IxDyn>> {
        self.0.value.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn gradient(&self) -> MutexGuard<'_, Gradient<F>> {
        self.0.grad.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A parameter in [`Parameter::update_all`]: its place in the list, and value and gradient in row-major order.
#[derive(Debug)]
pub struct ToUpdate<'a, F> {
    /// Which of the parameters it is.
    pub index: usize,
    /// The value.
    pub value: &'a mut [F],
    /// The gradient, still to be multiplied by `factor`.
    pub grad: &'a [F],
    /// 1, or what [`Parameter::scale_grad`] was called with.
    pub factor: F,
}

/// In row-major order, so that an optimizer's pass over it is one loop.
fn one_slice<F: Float>(array: ArrayD<F>) -> ArrayD<F> {
    if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() }
}
