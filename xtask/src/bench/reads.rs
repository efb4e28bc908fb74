//! Measures reads of stored events, keys on an idle server and while other clients read large and far pages, and queries
//! whose clients disconnect.

mod client;
mod pages;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::data_dir::{DataDir, Server, build};
use super::limits::Limits;
use super::program::Program;
use crate::output::print_line;
use client::Client;

/// Number of keys in one measurement; the slowest 1 % do not count.
const KEYS: usize = 1000;
const READERS: usize = 8;
/// The limit of the pages that clients read.
const LARGE_PAGE: u64 = 7500;
/// The CPU time that a query may use after its client has disconnected.
const MAX_AFTER_DISCONNECT: Duration = Duration::from_millis(50);

pub(super) fn run(events: u64) -> Result<()> {
    let programs = build(&[("bench-database", "bench-database")])?;
    let (honeyhive, tool) = (programs.join("honeyhive"), programs.join("bench-database"));
    let home = tempfile::tempdir()?;
    let data = DataDir::new(&honeyhive, home.path(), "data");
    data.fill(&tool, events)?;
    let Server {
        program: server,
        key: admin,
    } = data.start()?;
    let mut limits = Limits::default();
    pages::measure(
        &server,
        &admin,
        &tool,
        &data.database(),
        events,
        &mut limits,
    )?;
    disconnect(&server, &admin, &mut limits)?;
    let idle = measure(&server, &admin)?;
    print_line(format_args!("idle: {idle}"));
    let busy = beside_readers(&server, &admin, events)?;
    print_line(format_args!("with {READERS} readers: {busy}"));
    print_line(format_args!("memory: {:.1} MiB", server.memory()? / 1024.0));
    for (what, idle, busy, ratio, always) in [
        (
            "the first use of a key",
            idle.first_use,
            busy.first_use,
            10,
            100,
        ),
        ("a revocation", idle.revocation, busy.revocation, 10, 100),
        ("a request with a known key", idle.known, busy.known, 5, 50),
    ] {
        let most = Duration::from_millis(always).max(idle * ratio);
        if busy > most {
            limits.add(format!("{what}: {busy:.1?} with readers, limit {most:.1?}"));
        }
    }
    limits.finish()
}

/// Measures the CPU time after clients disconnect while their queries compare all events.
fn disconnect(server: &Program, admin: &str, limits: &mut Limits) -> Result<()> {
    let filter = json!([{"field": "metadata.model", "operator": "is", "value": "absent"}]);
    let mut most = Duration::ZERO;
    for _ in 0..5 {
        let mut client = Client::connect(server, admin)?;
        client.send("POST", "/v1/events/export", &json!({"filters": filter}))?;
        let before = server.cpu()?;
        // The query runs until its time limit.
        thread::sleep(Duration::from_millis(300));
        drop(client);
        let at_end = server.cpu()?;
        if at_end.saturating_sub(before) < Duration::from_millis(10) {
            print_line(format_args!(
                "the query was over before its client disconnected"
            ));
        }
        thread::sleep(Duration::from_millis(700));
        most = most.max(server.cpu()?.saturating_sub(at_end));
    }
    print_line(format_args!(
        "CPU after a client disconnects: at most {most:.0?}, limit {MAX_AFTER_DISCONNECT:.0?}"
    ));
    if most > MAX_AFTER_DISCONNECT {
        limits.add(format!("CPU after a client disconnects: {most:.0?}"));
    }
    Ok(())
}

/// The 99th percentiles of a measurement.
#[derive(Clone, Copy)]
struct Latencies {
    first_use: Duration,
    revocation: Duration,
    known: Duration,
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first_use,
            revocation,
            known,
        } = self;
        write!(
            f,
            "99 % of first uses of a key within {first_use:.1?}, of revocations within {revocation:.1?}, of requests with a known key within {known:.1?}"
        )
    }
}

/// Creates keys, uses each for the first time and once more, and revokes it.
fn measure(server: &Program, admin: &str) -> Result<Latencies> {
    let mut by_admin = Client::connect(server, admin)?;
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let wanted =
            json!({"name": format!("bench {number}"), "level": "read_only", "projects": "all"});
        let made = by_admin.succeed("POST", "/v1/api_keys", &wanted)?;
        let part = |name: &str| made[name].as_str().map(str::to_owned);
        let both = part("id").zip(part("key"));
        keys.push(both.context("the server created no key")?);
    }
    let (mut first_uses, mut revocations, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for (id, key) in keys {
        let mut by_key = Client::connect(server, &key)?;
        for times in [&mut first_uses, &mut known] {
            let start = Instant::now();
            by_key.succeed("GET", "/v1/auth/whoami", &Value::Null)?;
            times.push(start.elapsed());
        }
        let start = Instant::now();
        by_admin.succeed("DELETE", &format!("/v1/api_keys/{id}"), &Value::Null)?;
        revocations.push(start.elapsed());
        let (status, _) = by_key.call("GET", "/v1/auth/whoami", &Value::Null)?;
        ensure!(
            status == 401,
            "the response to a revoked key has the status {status}"
        );
    }
    Ok(Latencies {
        first_use: percentile(first_uses),
        revocation: percentile(revocations),
        known: percentile(known),
    })
}

fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = times.len() * 99 / 100;
    times.get(at).copied().unwrap_or_default()
}

/// Measures while half of the readers read large pages, and the others far pages.
fn beside_readers(server: &Program, admin: &str, events: u64) -> Result<Latencies> {
    let stop = AtomicBool::new(false);
    let (pages, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let read = |number: u64| -> Result<()> {
            let mut client = Client::connect(server, admin)?;
            for round in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let limit = if number.is_multiple_of(2) {
                    LARGE_PAGE
                } else {
                    100
                };
                // A far page is in the last tenth of the events that have page numbers.
                let last = (events.min(10_000_000) / limit).max(1);
                let page = last - (number * 7919 + round * 104_729) % (last / 10).max(1);
                let wanted = json!({"limit": limit, "page": page});
                match client.call("POST", "/v1/events/export", &wanted)? {
                    (200, _) => pages.fetch_add(1, Ordering::Relaxed),
                    (503, _) => refused.fetch_add(1, Ordering::Relaxed),
                    (status, _) => {
                        bail!("the response to a page of events has the status {status}")
                    }
                };
            }
            Ok(())
        };
        let readers: Vec<_> = (0..READERS as u64)
            .map(|number| scope.spawn(move || read(number)))
            .collect();
        let start = Instant::now();
        let measured = measure(server, admin);
        let took = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            let Ok(result) = reader.join() else {
                bail!("the thread of a reader panicked");
            };
            result?;
        }
        print_line(format_args!(
            "{READERS} readers of large and far pages read {} pages in {:.0} s, the server rejected {} requests with 503",
            pages.load(Ordering::Relaxed),
            took.as_secs_f64(),
            refused.load(Ordering::Relaxed)
        ));
        measured
    })
}
