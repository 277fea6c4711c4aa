//! `serve CKPT [ADDRESS]`: answers until Ctrl-C or SIGTERM.

use mmdynamic::Trained;
use serve::{Limits, Server};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (checkpoint, address) = match &args[..] {
        [checkpoint] => (checkpoint, "127.0.0.1:8080"),
        [checkpoint, address] => (checkpoint, address.as_str()),
        _ => return Err("usage: serve CKPT [ADDRESS], for example serve last.ckpt 127.0.0.1:8080".into()),
    };
    let trained = Arc::new(Trained::read(Path::new(checkpoint))?);
    // Before the first request, so that no signal ends it half answered.
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let server = Server::start(trained, address, &Limits::default())?;
    eprintln!("http://{}: GET /health, POST /predict; Ctrl-C ends it", server.address());
    signals.forever().next();
    Ok(server.stop()?)
}
