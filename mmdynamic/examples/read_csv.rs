//! Reads a csv file of numbers several times and prints the seconds of each: what `scripts/csv_speed.py` compares with
//! numpy and pandas.
//!
//! ```sh
//! cargo run --release -p mmdynamic --example read_csv -- matrix.csv 5
//! ```

use mmdynamic::data::read_matrix;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let file = args.next().ok_or("usage: read_csv FILE [TIMES]")?;
    let times: usize = args.next().map_or(Ok(1), |n| n.parse())?;
    for _ in 0..times {
        let start = Instant::now();
        let matrix = read_matrix(&file)?;
        let seconds = start.elapsed().as_secs_f64();
        println!("{seconds:.4} {} {} {}", matrix.nrows(), matrix.ncols(), matrix.sum());
    }
    Ok(())
}
