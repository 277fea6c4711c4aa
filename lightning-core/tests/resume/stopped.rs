//! Stops between two batches, in one process.

use crate::program::{BATCHES, Settings, remains, run, same, undisturbed};

#[test]
fn a_run_stopped_after_any_batch_and_resumed_ends_the_same() {
    let whole = undisturbed(false);
    // Mid-epoch, mid-accumulation and at the ends of epochs; then where early stopping wants to stop.
    let epochs = |from: u64, to: u64| from * BATCHES as u64 + 1..=to * BATCHES as u64;
    for stop in epochs(0, 2).chain(epochs(9, 12)) {
        let folder = tempfile::tempdir().expect("a folder");
        run(folder.path(), Settings { stop_after: Some(stop), ..Settings::default() }).expect("a fit");
        run(folder.path(), Settings { resume: true, ..Settings::default() }).expect("a fit");
        same(&remains(folder.path()), &whole, &format!("stopped after batch {stop}"));
    }
}

#[test]
fn a_run_stopped_after_every_batch_ends_the_same() {
    let whole = undisturbed(false);
    let folder = tempfile::tempdir().expect("a folder");
    for stop in 1..=12 * BATCHES as u64 {
        run(folder.path(), Settings { resume: true, stop_after: Some(stop), ..Settings::default() })
            .expect("a fit");
    }
    run(folder.path(), Settings { resume: true, ..Settings::default() }).expect("a fit");
    same(&remains(folder.path()), &whole, "stopped after every batch");
}

#[test]
fn model_checkpoint_chooses_the_same_after_any_stop() {
    let whole = undisturbed(true);
    for stop in [1, 5, 7, 8, 20, 63, 70, 75] {
        let folder = tempfile::tempdir().expect("a folder");
        let by_epoch = true;
        run(folder.path(), Settings { by_epoch, stop_after: Some(stop), ..Settings::default() })
            .expect("a fit");
        run(folder.path(), Settings { by_epoch, resume: true, ..Settings::default() }).expect("a fit");
        same(&remains(folder.path()), &whole, &format!("stopped after batch {stop}"));
    }
}
