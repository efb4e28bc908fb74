//! Sends requests over several persistent connections at the same time.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use super::program::Program;

/// The requests of a measurement.
pub(super) struct Load {
    /// The request line and the headers, without `content-length` and the empty line.
    pub(super) head: String,
    /// Bodies that are sent in turn; an empty one means a request without a body.
    pub(super) bodies: Vec<Vec<u8>>,
    pub(super) connections: usize,
}

impl Load {
    /// Sends `requests` requests in total and checks that the status of each response is 200.
    pub(super) fn run(&self, address: &str, requests: usize) -> Result<()> {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.connections)
                .map(|_| scope.spawn(|| self.work(address, requests, &next)))
                .collect();
            for worker in workers {
                let Ok(result) = worker.join() else {
                    bail!("the thread of a connection panicked");
                };
                result?;
            }
            Ok(())
        })
    }

    /// Runs and returns the CPU time of the program for each request, in microseconds.
    pub(super) fn micros(&self, program: &Program, requests: u32) -> Result<f64> {
        let before = program.cpu()?;
        self.run(program.address(), requests as usize)?;
        let spent = program.cpu()?.saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / f64::from(requests))
    }

    fn work(&self, address: &str, requests: usize, next: &AtomicUsize) -> Result<()> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= requests {
                return Ok(());
            }
            let body = &self.bodies[number % self.bodies.len()];
            let mut request = self.head.clone().into_bytes();
            if !body.is_empty() {
                write!(request, "content-length: {}\r\n\r\n", body.len())?;
                request.extend_from_slice(body);
            }
            writer.write_all(&request)?;
            let (status, _) = response(&mut reader)?;
            ensure!(status == 200, "the status of a response is {status}");
        }
    }
}

/// Reads the status and the body of a response.
pub(super) fn response(reader: &mut BufReader<TcpStream>) -> Result<(u16, Vec<u8>)> {
    let mut status = String::new();
    reader.read_line(&mut status)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.context("the connection was closed without a response")?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((status, body))
}
