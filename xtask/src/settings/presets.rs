//! Published recipes: what each sets apart from the defaults.

use super::values::Preset;

impl Preset {
    /// Names of settings with their values.
    pub(super) fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // The defaults are the post's.
            Preset::Post => &[],
            Preset::PaperRosmap => &[
                ("data.validation", "0"),
                ("model.hidden-dim", "1000"),
                ("optimizer.lr", "1e-4"),
                ("optimizer.weight-decay", "1e-4"),
                ("scheduler.step-size", "500"),
                ("scheduler.gamma", "0.2"),
                ("trainer.max-epochs", "1001"),
                ("trainer.batch-size", "full"),
                ("callbacks.checkpoint", "last"),
            ],
            Preset::PaperBrca => &[
                ("data.validation", "0"),
                ("model.hidden-dim", "500"),
                ("optimizer.lr", "1e-4"),
                ("optimizer.weight-decay", "1e-4"),
                ("scheduler.step-size", "500"),
                ("scheduler.gamma", "0.2"),
                ("trainer.max-epochs", "2500"),
                ("trainer.batch-size", "full"),
                ("callbacks.checkpoint", "last"),
            ],
            Preset::Quick => &[("optimizer.lr", "3e-3"), ("trainer.max-epochs", "20")],
        }
    }
}
