//! Many requests at once, each answer compared with the one that a single thread gave.

use crate::prediction::answer;
use mmdynamic::Trained;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// How much is fired.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Threads, each with a connection of its own.
    pub clients: usize,
    /// Requests of each.
    pub requests: usize,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Answers that were not, byte for byte, those of a single thread.
    pub wrong: usize,
    /// From the first request to the last answer.
    pub duration: Duration,
    /// Of each request, sorted.
    pub latencies: Vec<Duration>,
}

impl Report {
    /// The latency that a share of the requests does not exceed.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((share * last as f64).round() as usize).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.latencies.len();
        let rate = all as f64 / self.duration.as_secs_f64();
        let ms = |share| self.percentile(share).as_secs_f64() * 1e3;
        write!(f, "{all} requests, {} wrong, {rate:.0} a second; latency in ms: ", self.wrong)?;
        write!(f, "p50 {:.2}, p90 {:.2}, p99 {:.2}, max {:.2}", ms(0.5), ms(0.9), ms(0.99), ms(1.0))
    }
}

impl Load {
    /// Fires at a server that has this model.
    ///
    /// # Errors
    /// If a connection breaks.
    pub fn fire(self, server: SocketAddr, trained: &Trained) -> io::Result<Report> {
        let bodies: Vec<String> = (0..16).map(|i| body(i, &trained.model.hparams().in_dim)).collect();
        let expected = bodies.iter().map(|body| answer(trained, body.as_bytes()).map_err(io::Error::other));
        let expected = expected.collect::<Result<Vec<_>, _>>()?;
        let barrier = Barrier::new(self.clients + 1);
        let client = |number: usize| -> io::Result<(usize, Vec<Duration>)> {
            let connected = Client::connect(server);
            barrier.wait();
            let (mut client, mut wrong, mut latencies) = (connected?, 0, Vec::new());
            for i in 0..self.requests {
                let which = (number * 5 + i) % bodies.len();
                let start = Instant::now();
                let got = client.send("POST", "/predict", bodies[which].as_bytes())?;
                latencies.push(start.elapsed());
                wrong += usize::from(got != (200, expected[which].clone()));
            }
            Ok((wrong, latencies))
        };
        let mut report = Report::default();
        thread::scope(|scope| {
            let clients: Vec<_> =
                (0..self.clients).map(|number| scope.spawn(move || client(number))).collect();
            barrier.wait();
            let start = Instant::now();
            for client in clients {
                let (wrong, latencies) = client.join().expect("a client does not panic")?;
                report.wrong += wrong;
                report.latencies.extend(latencies);
            }
            report.duration = start.elapsed();
            report.latencies.sort();
            Ok(report)
        })
    }
}

/// Raw rows that differ from request to request; most requests have one, some a few.
fn body(number: usize, widths: &[usize]) -> String {
    let rows = if number % 4 == 3 { number } else { 1 };
    let value = |row: usize, column: usize| ((number * 31 + row * 7 + column * 13) % 97) as f64 / 97.0;
    let view = |&width: &usize| -> Vec<Vec<f64>> {
        (0..rows).map(|row| (0..width).map(|column| value(row, column)).collect()).collect()
    };
    serde_json::json!({ "views": widths.iter().map(view).collect::<Vec<_>>() }).to_string()
}

/// A connection that stays open from request to request.
pub struct Client(BufReader<TcpStream>);

impl Client {
    /// Opens a connection.
    ///
    /// # Errors
    /// If there is no server.
    pub fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client(BufReader::new(stream)))
    }

    /// Sends a request and reads the answer's status and body.
    ///
    /// # Errors
    /// If the connection breaks or what comes is no answer.
    pub fn send(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: load\r\ncontent-length: {}\r\n\r\n", body.len());
        self.write(&[head.as_bytes(), body].concat())?;
        self.read()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the connection breaks.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads an answer's status and body.
    ///
    /// # Errors
    /// If the connection breaks or what comes is no answer.
    pub fn read(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let mut length = 0;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
