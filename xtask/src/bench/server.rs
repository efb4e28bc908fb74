//! Measures the server: CPU time of an authorized request and of a stored span, startup time and memory.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::builds::{build_tool, target};
use super::comparison::Comparison;
use super::cpu_time::ROUNDS;
use super::load::Load;
use super::otlp;
use super::program::Program;
use crate::output::print_line;
use crate::{process, workspace};

const REQUESTS: usize = 20_000;
const EXPORTS: usize = 400;

pub(super) fn run(baseline: Option<&Path>) -> Result<()> {
    let root = workspace::root()?;
    process::run(process::cargo(
        &root,
        "build --release --locked --package hh-cli --bins",
    ))?;
    build_tool(&root, "--release", "bench-bare-route", "bench-server")?;
    let home = tempfile::tempdir()?;
    let release = target(&root)?.join("release");
    let bare = Program::start::<&str>(&release.join("bench-bare-route"), &[], home.path())?;
    let honeyhive = release.join("honeyhive");
    if let Some(baseline) = baseline {
        compare(baseline, &honeyhive, home.path())?;
    }
    let server = Server::start(&honeyhive, home.path(), "server")?;
    let idle = server.program.memory()?;
    measure_whoami(&server, &bare)?;
    measure_spans(&server)?;
    let (ready, full) = (server.program.ready(), server.program.memory()?);
    drop(server);
    let again = Program::start(&honeyhive, &start(home.path(), "server"), home.path())?;
    print_line(format_args!(
        "start to ready: {:.0} ms first, {:.0} ms with {} spans stored",
        ready.as_secs_f64() * 1e3,
        again.ready().as_secs_f64() * 1e3,
        2 * ROUNDS * EXPORTS * otlp::SPANS as usize,
    ));
    print_line(format_args!(
        "memory: {:.1} MiB idle, {:.1} MiB after the load",
        idle / 1024.0,
        full / 1024.0
    ));
    Ok(())
}

/// A server with its own data directory, and its admin key as a header.
struct Server {
    program: Program,
    authorization: String,
}

impl Server {
    /// Starts a build for the first time in the data directory `name` below a folder.
    fn start(program: &Path, home: &Path, name: &str) -> Result<Self> {
        let key_file = home.join(format!("{name}.key"));
        let mut arguments = start(home, name);
        arguments.extend([
            "--admin-key-file".to_owned(),
            key_file.display().to_string(),
        ]);
        let program = Program::start(program, &arguments, home)?;
        let key = std::fs::read_to_string(&key_file).context("the server wrote no key")?;
        Ok(Self {
            program,
            authorization: format!("authorization: Bearer {}\r\n", key.trim()),
        })
    }
}

/// The arguments that start a server on a free port.
fn start(home: &Path, name: &str) -> Vec<String> {
    let data = home.join(name).display().to_string();
    let arguments = ["server", "start", "--bind", "127.0.0.1:0", "--data-dir"];
    let arguments = arguments.map(str::to_owned).into_iter();
    arguments.chain([data]).collect()
}

/// Measures two builds alternately.
fn compare(baseline: &Path, this: &Path, home: &Path) -> Result<()> {
    let baseline = Server::start(baseline, home, "compared-baseline")?;
    let this = Server::start(this, home, "compared")?;
    let mut comparison = Comparison::default();
    for round in 0..ROUNDS {
        let whoami =
            |server: &Server| micros(&server.program, &whoami(&server.authorization), REQUESTS);
        comparison.add("whoami, us", whoami(&baseline)?, whoami(&this)?);
        for encoding in &ENCODINGS {
            let span = |server: &Server| span_micros(server, encoding, round);
            let name = format!("stored span in {}, us", encoding.name);
            comparison.add(&name, span(&baseline)?, span(&this)?);
        }
    }
    comparison.finish()
}

fn whoami(authorization: &str) -> Load {
    Load {
        head: format!("GET /v1/auth/whoami HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n"),
        bodies: vec![Vec::new()],
        connections: 4,
    }
}

/// Compares an authorized request with a bare route, alternately.
fn measure_whoami(server: &Server, bare: &Program) -> Result<()> {
    let mut best = [f64::MAX; 2];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(micros(bare, &whoami(""), REQUESTS)?);
        let load = whoami(&server.authorization);
        best[1] = best[1].min(micros(&server.program, &load, REQUESTS)?);
    }
    print_line(format_args!(
        "whoami with a key: {:.2} us CPU; bare axum route: {:.2} us; ratio {:.2}",
        best[1],
        best[0],
        best[1] / best[0]
    ));
    Ok(())
}

/// An encoding of OTLP.
struct Encoding {
    name: &'static str,
    content_type: &'static str,
    encode: fn(usize) -> Vec<u8>,
}

const ENCODINGS: [Encoding; 2] = [
    Encoding {
        name: "protobuf",
        content_type: "application/x-protobuf",
        encode: otlp::protobuf,
    },
    Encoding {
        name: "JSON",
        content_type: "application/json",
        encode: otlp::json,
    },
];

fn measure_spans(server: &Server) -> Result<()> {
    for encoding in &ENCODINGS {
        let mut best = f64::MAX;
        for round in 0..ROUNDS {
            best = best.min(span_micros(server, encoding, round)?);
        }
        print_line(format_args!(
            "stored span, {} a request in {}, 8 connections: {best:.2} us CPU",
            otlp::SPANS,
            encoding.name,
        ));
    }
    Ok(())
}

/// Returns the CPU time of a stored span in one round, in microseconds.
fn span_micros(server: &Server, encoding: &Encoding, round: usize) -> Result<f64> {
    let batches = (0..EXPORTS).map(|number| otlp::batch(encoding.name, round, number));
    let load = Load {
        head: format!(
            "POST /opentelemetry/v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {}\r\n{}",
            encoding.content_type, server.authorization
        ),
        bodies: batches.map(encoding.encode).collect(),
        connections: 8,
    };
    Ok(micros(&server.program, &load, EXPORTS)? / f64::from(otlp::SPANS))
}

/// Returns the CPU time of a program for one request of a load, in microseconds.
fn micros(program: &Program, load: &Load, requests: usize) -> Result<f64> {
    let before = program.cpu()?;
    load.run(program.address(), requests)?;
    let spent = program.cpu()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is small")]
    let requests = requests as f64;
    Ok(spent.as_secs_f64() * 1e6 / requests)
}
