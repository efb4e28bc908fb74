//! Compares the CPU time of requests with that of bare queries for the same rows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::super::cpu_time::ROUNDS;
use super::super::limits::Limits;
use super::super::load::Load;
use super::super::program::Program;
use crate::output::print_line;
use crate::process;

/// The id of the session of 1,000 events, and of its first event.
const SESSION: &str = "07070707-0707-0707-0707-070707070707";
const EVENT: &str = "08080808-0808-0808-0808-080808080808";

/// Number of connections that send requests at the same time while CPU time is measured. With a single connection, most
/// of the time is used to wake threads, which a virtual machine makes expensive.
const CONNECTIONS: usize = 8;

/// A request that reads.
struct Read {
    method: &'static str,
    path: String,
    body: Value,
    /// Number of requests in a round.
    requests: u32,
}

/// A comparison of a request with the query of the same rows.
struct ReadComparison {
    name: &'static str,
    read: Read,
    /// The bare query, or the name of another comparison.
    base: &'static str,
    /// The limit of the ratio; `None` to print the ratio only.
    limit: Option<f64>,
}

/// Prints the CPU time of reads.
///
/// The time of a request without a query is subtracted: the key of each request is checked, and its connection is served.
pub(super) fn measure(
    server: &Program,
    key: &str,
    bare: &Path,
    database: &Path,
    events: u64,
    limits: &mut Limits,
) -> Result<()> {
    let mut measured = bare_queries(bare, database)?;
    let checked = Read {
        method: "GET",
        path: "/v1/auth/whoami".to_owned(),
        body: Value::Null,
        requests: 5000,
    };
    let checked = cpu(server, key, &checked)?;
    print_line(format_args!(
        "a checked request without a query: {checked:.1} us CPU"
    ));
    for ReadComparison {
        name,
        read,
        base,
        limit,
    } in comparisons(events)
    {
        let own = cpu(server, key, &read)? - checked;
        let millis = millis(server, key, &read)?;
        let other = *measured.get(base).context("the base was not measured")?;
        let ratio = own / other;
        print_line(format_args!(
            "{name}: {own:.1} us CPU, {millis:.2} ms; {base}: {other:.1} us; ratio {ratio:.2}{}",
            limit.map_or_else(String::new, |limit| format!(", limit {limit}"))
        ));
        if let Some(limit) = limit {
            limits.check(name, ratio, limit);
        }
        measured.insert(name.to_owned(), own);
    }
    Ok(())
}

fn comparisons(events: u64) -> [ReadComparison; 6] {
    let export = |body, requests| Read {
        method: "POST",
        path: "/v1/events/export".to_owned(),
        body,
        requests,
    };
    let event = Read {
        method: "GET",
        path: format!("/v1/events/{EVENT}"),
        body: Value::Null,
        requests: 5000,
    };
    let session = json!([{"field": "session_id", "operator": "is", "value": SESSION}]);
    let far = 1_000_000_u64.min(events) / 100;
    [
        (
            "the first page of 100",
            export(json!({"limit": 100}), 500),
            "page",
            Some(3.0),
        ),
        (
            "a session of 1,000 events",
            export(json!({"filters": session}), 100),
            "session",
            Some(3.0),
        ),
        ("an event by id", event, "event", Some(5.0)),
        // The response has the number of all events and the latest event.
        (
            "the number of events",
            export(json!({"limit": 1}), 5000),
            "event",
            Some(5.0),
        ),
        (
            "the number of events",
            export(json!({"limit": 1}), 5000),
            "stored total",
            None,
        ),
        (
            "a page at the offset 1,000,000",
            export(json!({"limit": 100, "page": far}), 100),
            "the first page of 100",
            Some(60.0),
        ),
    ]
    .map(|(name, read, base, limit)| ReadComparison {
        name,
        read,
        base,
        limit,
    })
}

/// Returns the CPU time of each bare query, in microseconds.
fn bare_queries(bare: &Path, database: &Path) -> Result<BTreeMap<String, f64>> {
    let mut command = std::process::Command::new(bare);
    command.arg("measure").arg(database);
    let printed = process::output(command)?;
    let parse = |line: &str| {
        let (name, micros) = line.rsplit_once(' ')?;
        Some((name.to_owned(), micros.parse().ok()?))
    };
    printed
        .lines()
        .map(|line| parse(line).context("a query has no time"))
        .collect()
}

/// Returns the CPU time of the server for one request, in microseconds.
fn cpu(server: &Program, key: &str, read: &Read) -> Result<f64> {
    let load = read.load(key, CONNECTIONS);
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        best = best.min(load.micros(server, read.requests)?);
    }
    Ok(best)
}

/// Returns the shortest time until a response, in milliseconds.
fn millis(server: &Program, key: &str, read: &Read) -> Result<f64> {
    let load = read.load(key, 1);
    let mut best = f64::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        load.run(server.address(), 1)?;
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(best)
}

impl Read {
    fn load(&self, key: &str, connections: usize) -> Load {
        let Self {
            method, path, body, ..
        } = self;
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let end = if body.is_empty() { "\r\n" } else { "" };
        Load {
            head: format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n{end}"
            ),
            bodies: vec![body],
            connections,
        }
    }
}
