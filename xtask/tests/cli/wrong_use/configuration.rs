//! Configuration files that are none, are damaged, or are something else.

use super::refused;
use crate::support::{done, folder};
use std::fs;

#[test]
fn a_file_that_is_no_configuration_is_refused_with_its_name_and_line() {
    let dir = folder();
    let deep = format!("a = {}", "[".repeat(100_000));
    let utf16: Vec<u8> = "seed = 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, message) in [
        (&b"\xff\xfe\x00"[..], "own.toml: the configuration is not UTF-8 text"),
        (&utf16, "own.toml:1: no TOML"),
        (b"seed = 1\0\n", "own.toml:1: no TOML"),
        (b"{\"seed\": 1}\n", "own.toml:1: no TOML"),
        (b"seed: 1\n", "own.toml:1: no TOML"),
        (b"1,2,3\n4,5,6\n", "own.toml:1: no TOML"),
        (b"seed = 1\nseed = 1\n", "own.toml:2: no TOML"),
        (b"[model]\n[model]\n", "own.toml:2: no TOML"),
        (b"seed = 0.5\n", "own.toml:1: seed is 0.5, expected a whole number"),
        (b"seed = 1979-05-27\n", "own.toml:1: seed is 1979-05-27, expected a whole number"),
        (b"[optimizer]\nlr = true\n", "own.toml:2: optimizer.lr is true, expected a positive number"),
        (b"[optimizer.lr]\nx = 1\n", "own.toml:1: optimizer.lr is a table, expected a positive number"),
        (b"[[optimizer]]\nlr = 1\n", "own.toml:1: there is no setting optimizer"),
        (b"[data]\npath = 3\n", "own.toml:2: data.path is 3, expected a path, as text"),
        (b"[data]\npath = \"a\\u0000b\"\n", "own.toml:2: data.path is "),
        (deep.as_bytes(), "own.toml:1: no TOML"),
        (&[b'#'; (1 << 20) + 1], "own.toml: 1048577 bytes is too long for a configuration"),
    ] {
        fs::write(dir.path().join("own.toml"), bytes).expect("a file");
        refused(dir.path(), &["train", "--config", "own.toml"], 2, message);
    }
    fs::write(dir.path().join("own.toml"), "\u{feff}seed = 3\r\n[model]\r\nhidden-dim = 8\r\n")
        .expect("a file");
    let text = done(dir.path(), &["print-config", "--config", "own.toml"]).stdout;
    assert!(
        text.contains("seed = 3  # own.toml:1") && text.contains("hidden-dim = [8]  # own.toml:3"),
        "{text}"
    );
}

#[test]
fn a_path_that_is_no_file_is_refused() {
    let dir = folder();
    fs::create_dir(dir.path().join("folder")).expect("a folder");
    for (path, message) in [
        ("none.toml", "none.toml: the configuration cannot be read"),
        ("", "a value is required for '--config <FILE>'"),
        ("folder", "folder: the configuration is not a regular file"),
        ("none/own.toml", "none/own.toml: the configuration cannot be read"),
    ] {
        refused(dir.path(), &["train", "--config", path], 2, message);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_a_device_and_a_link_to_itself_are_refused_at_once() {
    let dir = folder();
    std::os::unix::fs::symlink("loop.toml", dir.path().join("loop.toml")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe.toml")).status();
    assert!(made.expect("mkfifo").success());
    for (path, message) in [
        ("loop.toml", "loop.toml: the configuration cannot be read"),
        ("pipe.toml", "pipe.toml: the configuration is not a regular file"),
        ("/dev/zero", "/dev/zero: the configuration is not a regular file"),
    ] {
        refused(dir.path(), &["train", "--config", path], 2, message);
    }
    #[cfg(target_os = "linux")]
    refused(dir.path(), &["train", "--config", "/proc/self/mem"], 2, "the configuration cannot be read");
}
