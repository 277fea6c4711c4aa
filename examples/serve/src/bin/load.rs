//! `load CKPT [CLIENTS [REQUESTS]]`: starts the server, fires at it, prints rate and latencies.

use mmdynamic::Trained;
use serve::load::Load;
use serve::{Limits, Server};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let checkpoint = args.first().ok_or("usage: load CKPT [CLIENTS [REQUESTS OF EACH]]")?;
    let number = |at: usize, default| args.get(at).map_or(Ok(default), |text| text.parse());
    let trained = Arc::new(Trained::read(Path::new(checkpoint))?);
    let server = Server::start(trained.clone(), "127.0.0.1:0", &Limits::default())?;
    let load = Load { clients: number(1, 64)?, requests: number(2, 500)? };
    let report = load.fire(server.address(), &trained)?;
    println!("{} clients: {report}", load.clients);
    server.stop()?;
    if report.wrong > 0 {
        return Err(format!("{} answers differ from those of a single thread", report.wrong).into());
    }
    Ok(())
}
