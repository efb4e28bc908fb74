//! Measures the server: CPU time of an authorized request and of a stored span, size of the database, start time, memory.

mod growth;
mod requests;
mod spans;
mod writer;

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::comparison::Comparison;
use super::cpu_time::ROUNDS;
use super::data_dir::{DataDir, Server, build};
use super::limits::Limits;
use super::otlp;
use crate::output::print_line;

pub(super) fn run(baseline: Option<&Path>, events: u64) -> Result<()> {
    let programs = build(&[
        ("bench-bare-route", "bench-server"),
        ("bench-bare-writer", "bench-database"),
        ("bench-database", "bench-database"),
    ])?;
    let (home, honeyhive) = (tempfile::tempdir()?, programs.join("honeyhive"));
    let data = |name| DataDir::new(&honeyhive, home.path(), name);
    if let Some(baseline) = baseline {
        let baseline = DataDir::new(baseline, home.path(), "compared-baseline");
        compare(&baseline.start()?, &data("compared").start()?)?;
    }
    let mut limits = Limits::default();
    let stored = data("protobuf");
    let server = stored.start()?;
    let idle = server.program.memory()?;
    requests::measure(&programs, &server, &mut limits)?;
    let span = spans::measure(&server, &data("json").start()?, &mut limits)?;
    let (ready, full) = (server.program.ready(), server.program.memory()?);
    // A stopped server has copied its log into the database file.
    drop(server);
    print_size(&stored.database())?;
    let server = stored.start()?;
    print_line(format_args!(
        "start time: {:.0} ms at the first start, {:.0} ms with {} stored spans",
        ready.as_secs_f64() * 1e3,
        server.program.ready().as_secs_f64() * 1e3,
        spans::STORED,
    ));
    print_line(format_args!(
        "memory: {:.1} MiB idle, {:.1} MiB after the load",
        idle / 1024.0,
        full / 1024.0
    ));
    let exports = writer::exports_per_transaction(&server, &stored.database())?;
    drop(server);
    let empty = data("empty");
    drop(empty.start()?);
    let writer = writer::Writer {
        program: &programs.join("bench-bare-writer"),
        stored: &stored.database(),
        empty: &empty.database(),
        exports,
    };
    writer.compare(home.path(), span, &mut limits)?;
    growth::measure(&programs, events, &mut limits)?;
    limits.finish()
}

/// Prints the size of a database file for each stored span, compared with the size of a span in an export.
fn print_size(database: &Path) -> Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "the sizes are small")]
    let (stored, sent) = (
        fs::metadata(database)?.len() as f64 / spans::STORED as f64,
        otlp::protobuf(0).len() as f64 / f64::from(otlp::SPANS),
    );
    print_line(format_args!(
        "database file after a checkpoint: {stored:.0} bytes for each stored span; a span in protobuf: {sent:.0} bytes; ratio {:.2}",
        stored / sent
    ));
    Ok(())
}

/// Compares two builds, which are measured in turn.
fn compare(baseline: &Server, this: &Server) -> Result<()> {
    let mut comparison = Comparison::default();
    for round in 0..ROUNDS {
        let whoami = requests::micros;
        comparison.add("whoami, us", whoami(baseline)?, whoami(this)?);
        for encoding in [&spans::PROTOBUF, &spans::JSON] {
            let span = |server| spans::micros(server, encoding, round, spans::EXPORTS);
            let name = format!("stored span in {}, us", encoding.name);
            comparison.add(&name, span(baseline)?, span(this)?);
        }
    }
    comparison.finish()
}
