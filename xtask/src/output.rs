//! Printing that never panics: `println!` does when the pipe behind it is closed or the disk is full.

use crate::failure::{Exit, Failure};
use std::io::{self, ErrorKind, Write};

/// Writes to stdout. A reader that went away, as `head` does, is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Writing, format!("stdout: cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// A result for programs: one JSON document.
pub(crate) fn json(result: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(result).map_err(|error| {
        Failure::new(Exit::Writing, format!("the result cannot be written as JSON: {error}"))
    })?;
    print(&(text + "\n"))
}

/// A line on stderr. Where even that cannot be written there is nobody left to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A name as a cell of a csv line.
pub(crate) fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}
