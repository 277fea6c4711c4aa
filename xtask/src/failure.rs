//! Every way a command can end, with its exit code, in one place.

use lightning_core::TrainerError;
use lightning_core::checkpoint::CheckpointError;
use mmdynamic::ConfigError;
use mmdynamic::data::DataError;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The exit codes of all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Done = 0,
    /// A check of `ci` failed.
    CheckFailed = 1,
    /// A flag or a setting makes no sense.
    Usage = 2,
    /// The data cannot be used.
    Data = 3,
    /// The checkpoint cannot be used.
    Checkpoint = 4,
    /// A file or the terminal could not be written.
    Writing = 5,
    /// The training ran away.
    Diverged = 6,
    /// SIGINT, Ctrl-C.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// The exit that a process of this program ended with.
    pub(crate) fn from_code(code: i32) -> Option<Self> {
        use Exit::*;
        [Done, CheckFailed, Usage, Data, Checkpoint, Writing, Diverged, Interrupted, Terminated]
            .into_iter()
            .find(|exit| *exit as i32 == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// A command that did not reach its end: a line for people and a code for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into() }
    }

    /// What could not be written, and why.
    pub(crate) fn writing(path: &Path, error: &io::Error) -> Self {
        Failure::new(Exit::Writing, format!("{}: cannot be written: {error}", path.display()))
    }

    /// The same failure with a further remark.
    pub(crate) fn with(self, remark: impl Display) -> Self {
        Failure { message: format!("{}; {remark}", self.message), ..self }
    }

    /// Says on stderr what went wrong; a closed stderr changes nothing.
    pub(crate) fn report(&self) -> Exit {
        if !self.message.is_empty() {
            crate::output::note(&format!("error: {}", one_line(&self.message)));
        }
        self.exit
    }
}

/// Paths and names may hold anything; a message stays one line that cannot steer the terminal.
pub(crate) fn one_line(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Failure::new(Exit::Data, error.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::new(Exit::Usage, error.to_string())
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        let exit = match error {
            CheckpointError::Write { .. } => Exit::Writing,
            _ => Exit::Checkpoint,
        };
        Failure::new(exit, error.to_string())
    }
}

impl From<TrainerError> for Failure {
    fn from(error: TrainerError) -> Self {
        let exit = match &error {
            TrainerError::Diverged { .. } => Exit::Diverged,
            TrainerError::Callback { .. } | TrainerError::Logger(_) => Exit::Writing,
            _ => Exit::Usage,
        };
        Failure::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_a_path_holds() {
        assert_eq!(one_line("a\nb\u{1b}[2Jé: is missing"), "a\\nb\\u{1b}[2Jé: is missing");
    }

    #[test]
    fn errors_keep_their_codes() {
        let write = CheckpointError::Write { path: "a".into(), source: io::Error::other("full") };
        assert_eq!(Failure::from(write).exit, Exit::Writing);
        let refused = CheckpointError::Refused { path: "a".into(), reason: "cut".into() };
        assert_eq!(Failure::from(refused).exit, Exit::Checkpoint);
        let diverged = TrainerError::Diverged { epoch: 0, batch: 1, what: "the loss is NaN".into() };
        assert_eq!(Failure::from(diverged).exit, Exit::Diverged);
    }
}
