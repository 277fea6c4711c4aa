//! Checkpoints that were damaged while nobody looked.

use crate::program::{Settings, remains, run, same, undisturbed};
use std::fs;
use std::path::Path;

fn stopped(folder: &Path) {
    // After a batch with a checkpoint of its own, so that the newest two differ.
    run(folder, Settings { stop_after: Some(16), ..Settings::default() }).expect("a fit");
}

fn damage(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("the file");
    change(&mut bytes);
    fs::write(path, bytes).expect("written");
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name_and_the_one_before_it_used() {
    let whole = undisturbed(false);
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 100);
    let flip = |bytes: &mut Vec<u8>| {
        bytes[1000] ^= 32;
    };
    for (change, reason) in [
        (&cut as &dyn Fn(&mut Vec<u8>), "the file ends at byte"),
        (&flip, "damaged: in the header, bytes 0 to"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        stopped(folder.path());
        let last = folder.path().join("checkpoints/last.ckpt");
        damage(&last, change);
        let report = run(folder.path(), Settings { resume: true, ..Settings::default() }).expect("a fit");
        let warning = &report.warnings[0];
        assert!(
            warning.contains("last.ckpt: not a usable checkpoint") && warning.contains(reason),
            "{warning}"
        );
        same(&remains(folder.path()), &whole, reason);
    }
}

#[test]
fn a_run_without_any_sound_checkpoint_is_not_begun_anew_in_silence() {
    let folder = tempfile::tempdir().expect("a folder");
    stopped(folder.path());
    for entry in fs::read_dir(folder.path().join("checkpoints")).expect("the folder") {
        damage(&entry.expect("an entry").path(), |bytes| bytes.truncate(40));
    }
    let error =
        run(folder.path(), Settings { resume: true, ..Settings::default() }).expect_err("nothing sound");
    assert!(error.to_string().contains(".ckpt: not a usable checkpoint"), "{error}");
}
