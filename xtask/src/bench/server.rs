//! The server: CPU of a checked request and of a stored span, start, memory.

use anyhow::{Context as _, Result};

use super::load::Load;
use super::program::Program;
use super::{ROUNDS, otlp, target};
use crate::say::say;
use crate::{process, workspace};

const REQUESTS: usize = 20_000;
const EXPORTS: usize = 400;

pub(super) fn run() -> Result<()> {
    let root = workspace::root()?;
    process::run(process::cargo(
        &root,
        "build --release --locked --package hh-cli --package hh-server --bins --examples",
    ))?;
    let home = tempfile::tempdir()?;
    let release = target(&root)?.join("release");
    let bare = Program::start(&release.join("examples/bare_route"), &[], home.path())?;
    let key_file = home.path().join("admin.key");
    let (data, file) = (home.path().join("data"), key_file.display().to_string());
    let data = data.display().to_string();
    let arguments = [
        "server",
        "start",
        "--bind",
        "127.0.0.1:0",
        "--data-dir",
        &data,
    ];
    let first = [&arguments[..], &["--admin-key-file", &file]].concat();
    let server = Program::start(&release.join("honeyhive"), &first, home.path())?;
    let key = std::fs::read_to_string(&key_file).context("the server wrote no key")?;
    let idle = server.memory()?;

    let authorization = format!("authorization: Bearer {}\r\n", key.trim());
    measure_whoami(&server, &bare, &authorization)?;
    measure_spans(&server, &authorization)?;
    let (ready, full) = (server.ready(), server.memory()?);
    drop(server);
    let again = Program::start(&release.join("honeyhive"), &arguments, home.path())?;
    say(format_args!(
        "start to ready: {:.0} ms first, {:.0} ms with {} spans stored",
        ready.as_secs_f64() * 1e3,
        again.ready().as_secs_f64() * 1e3,
        2 * ROUNDS * EXPORTS * otlp::SPANS as usize,
    ));
    say(format_args!(
        "memory: {:.1} MiB idle, {:.1} MiB after the load",
        idle / 1024.0,
        full / 1024.0
    ));
    Ok(())
}

/// A checked request beside a bare route, in turn.
fn measure_whoami(server: &Program, bare: &Program, authorization: &str) -> Result<()> {
    let get = |authorization: &str| Load {
        head: format!("GET /v1/auth/whoami HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n"),
        bodies: vec![Vec::new()],
        connections: 4,
    };
    let mut best = [f64::MAX; 2];
    for _ in 0..ROUNDS {
        best[0] = best[0].min(micros(bare, &get(""), REQUESTS)?);
        best[1] = best[1].min(micros(server, &get(authorization), REQUESTS)?);
    }
    say(format_args!(
        "whoami with a key: {:.2} us CPU; bare axum route: {:.2} us; ratio {:.2}",
        best[1],
        best[0],
        best[1] / best[0]
    ));
    Ok(())
}

fn measure_spans(server: &Program, authorization: &str) -> Result<()> {
    for (name, content_type, encode) in [
        (
            "protobuf",
            "application/x-protobuf",
            otlp::protobuf as fn(usize) -> Vec<u8>,
        ),
        ("JSON", "application/json", otlp::json),
    ] {
        let mut best = f64::MAX;
        for round in 0..ROUNDS {
            let batches = (0..EXPORTS).map(|number| otlp::batch(name, round, number));
            let load = Load {
                head: format!(
                    "POST /opentelemetry/v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\n{authorization}"
                ),
                bodies: batches.map(encode).collect(),
                connections: 8,
            };
            best = best.min(micros(server, &load, EXPORTS)?);
        }
        say(format_args!(
            "stored span, {} a request in {name}, 8 connections: {:.2} us CPU",
            otlp::SPANS,
            best / f64::from(otlp::SPANS)
        ));
    }
    Ok(())
}

/// CPU microseconds of a program per request of a load.
fn micros(program: &Program, load: &Load, requests: usize) -> Result<f64> {
    let before = program.cpu()?;
    load.run(program.address(), requests)?;
    let spent = program.cpu()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is small")]
    let requests = requests as f64;
    Ok(spent.as_secs_f64() * 1e6 / requests)
}
