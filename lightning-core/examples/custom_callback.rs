//! A callback of one's own: it keeps an exponential moving average of the weights.
//!
//! Teaches which hooks to override, that a callback sees the run's `State` and never the module's type, how it logs,
//! and how what it found comes back to the caller, who shares it.
//!
//! `cargo run -p lightning-core --example custom_callback`

use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::nn::Module;
use lightning_core::testing::{Line, line_batches};
use lightning_core::{State, Trainer};
use ndarray::ArrayD;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

type Weights = Arc<Mutex<BTreeMap<String, ArrayD<f32>>>>;

/// `average ← decay · average + (1 − decay) · weights` after every step, beginning with the first weights.
struct MovingAverage {
    decay: f32,
    average: Weights,
}

impl Callback for MovingAverage {
    fn name(&self) -> &str {
        "MovingAverage"
    }

    fn on_train_start(&mut self, state: &State<'_>) -> CallbackResult {
        let first = state.parameters.iter().map(|(name, p)| (name.clone(), p.value().into_owned()));
        *self.average.lock().unwrap_or_else(PoisonError::into_inner) = first.collect();
        Ok(())
    }

    fn on_train_batch_end(&mut self, state: &State<'_>) -> CallbackResult {
        let mut average = self.average.lock().unwrap_or_else(PoisonError::into_inner);
        let mut distance = 0.0;
        for (name, parameter) in state.parameters {
            let average =
                average.get_mut(name).ok_or_else(|| format!("{name} was not there at the start"))?;
            average.zip_mut_with(&parameter.value(), |a, &w| *a = self.decay * *a + (1.0 - self.decay) * w);
            distance += (&*average - &parameter.value()).mapv(|gap| f64::from(gap).powi(2)).sum();
        }
        state.log("average_distance", distance.sqrt());
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let average = Weights::default();
    let callback = MovingAverage { decay: 0.9, average: Arc::clone(&average) };
    let mut model: Line = Line::default(); // learns y = 2x − 1
    let mut trainer = Trainer { max_epochs: 100, callbacks: vec![Box::new(callback)], ..Trainer::default() };
    let report = trainer.fit(&mut model, &line_batches(), None::<&Vec<_>>)?;

    println!(
        "after {} steps the average is {:.1e} away",
        report.global_step, report.metrics["average_distance"]
    );
    let average = average.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_ne!(average, model.state_dict(), "an average lags behind");
    assert!(report.metrics["average_distance"] < 0.01);
    model.load_state_dict(&average)?; // from here on the model computes with the averaged weights
    assert!((model.layer.weight.value()[[0, 0]] - 2.0).abs() < 0.01);
    Ok(())
}
