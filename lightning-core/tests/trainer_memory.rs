//! A long fit takes no more memory than a short one.
#![cfg(target_os = "linux")]

use lightning_core::callbacks::{Callback, CallbackResult};
use lightning_core::testing::{Line, line_batches};
use lightning_core::{State, Trainer};
use std::sync::{Arc, Mutex};

/// Resident memory in KiB at the ends of two epochs.
struct Resident(Arc<Mutex<Vec<i64>>>, [usize; 2]);
impl Callback for Resident {
    fn name(&self) -> &str {
        "Resident"
    }
    fn on_train_epoch_end(&mut self, state: &State<'_>) -> CallbackResult {
        if self.1.contains(&state.progress.epoch) {
            let status = std::fs::read_to_string("/proc/self/status")?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
            let kib = line.trim().trim_end_matches(" kB").parse()?;
            self.0.lock().expect("no panic before").push(kib);
        }
        Ok(())
    }
}

#[test]
fn memory_is_the_same_in_epoch_1000_as_in_epoch_10() {
    let resident: Arc<Mutex<Vec<i64>>> = Arc::default();
    let mut trainer = Trainer {
        max_epochs: 1001,
        callbacks: vec![Box::new(Resident(resident.clone(), [10, 1000]))],
        ..Trainer::default()
    };
    let train: Vec<_> = line_batches().into_iter().cycle().take(40).collect();
    trainer.fit(&mut Line::<f32>::default(), &train, Some(&line_batches())).expect("a fit");
    let kib = resident.lock().expect("no panic before").clone();
    assert!((kib[1] - kib[0]).abs() <= 1024, "{kib:?} KiB");
}
