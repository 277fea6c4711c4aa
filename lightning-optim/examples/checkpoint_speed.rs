//! How long a checkpoint of 5 million parameters with Adam's moments takes, beside copying a file of its size, and for
//! how long the training is held up, beside copying the arrays in memory.
//!
//! ```sh
//! cargo run --release -p lightning-optim --example checkpoint_speed -- [FOLDER]
//! ```

use lightning_core::checkpoint::{Checkpoint, CheckpointWriter};
use lightning_core::nn::{Linear, Module, Sequential};
use lightning_core::optim::{Optimizer, Optimizers};
use lightning_core::{Parameter, Seed};
use lightning_optim::{Adam, AdamOptions};
use ndarray::ArrayD;
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 9;

type Named = Vec<(String, Parameter)>;

fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let folder = parent.join(format!("checkpoint_speed.{}", std::process::id()));
    fs::create_dir(&folder)?;
    let measured = measure(&folder);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let (parameters, optimizers) = trained()?;
    let [source, copy, own] = ["source", "copy", "own.ckpt"].map(|name| folder.join(name));
    let checkpoint = Arc::new(Checkpoint::capture(&parameters, &optimizers, false));
    checkpoint.write(&source)?;
    let mut times = [const { Vec::new() }; 5];
    let mut writer = CheckpointWriter::default();
    // In turns, so that all see the same machine.
    for _ in 0..ROUNDS {
        times[0].push(timed(|| {
            fs::copy(&source, &copy)?;
            Ok(File::open(&copy)?.sync_all()?)
        })?);
        times[1].push(timed(|| Ok(checkpoint.write(&own)?))?);
        let arrays: Vec<&ArrayD<f32>> =
            checkpoint.state_dict.values().chain(checkpoint.optimizers[0].arrays.values()).collect();
        times[2].push(timed(|| {
            black_box(arrays.into_iter().cloned().collect::<Vec<_>>());
            Ok(())
        })?);
        let held = Instant::now();
        let taken = Arc::new(Checkpoint::capture(&parameters, &optimizers, false));
        writer.write(taken, &own, vec![])?;
        times[3].push(held.elapsed().as_secs_f64() * 1e3);
        writer.finish()?;
        times[4].push(timed(|| {
            black_box(Checkpoint::<f32>::read(&own)?);
            Ok(())
        })?);
    }
    let size = fs::metadata(&source)?.len();
    let [file, write, memory, held, read] = times.map(median);
    println!("{:.1} MB, medians of {ROUNDS} rounds in turns", size as f64 / 1e6);
    println!("copying a file of that size, with sync   {file:7.1} ms");
    println!("writing the checkpoint                   {write:7.1} ms   {:.2} x (mark: 2)", write / file);
    println!("copying the arrays in memory             {memory:7.1} ms");
    println!("the training is held up for              {held:7.1} ms   {:.2} x (mark: 1)", held / memory);
    println!("reading and verifying it                 {read:7.1} ms");
    Ok(())
}

/// Five layers of a million parameters each, after one step of Adam.
fn trained() -> Result<(Named, Optimizers), Box<dyn Error>> {
    let mut rng = Seed(0).stream("init");
    let layers = (0..5).fold(Sequential::new(), |net, _| net.then(Linear::new(1000, 1000, &mut rng)));
    let mut adam = Adam::new(layers.parameters(), AdamOptions::default())?;
    for parameter in layers.parameters() {
        parameter.set_grad(Some(ArrayD::from_elem(parameter.shape(), 0.5)));
    }
    adam.step();
    adam.zero_grad();
    Ok((layers.named_parameters(), Optimizers::new(adam)))
}

fn timed(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
