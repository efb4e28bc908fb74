//! Measures the first use and the revocation of keys, on an idle server and while other clients read late pages of
//! events.

use std::fmt;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::builds::target;
use super::load::{Load, response};
use super::otlp;
use super::program::Program;
use crate::output::print_line;
use crate::{process, workspace};

const EVENTS: usize = 1_000_000;
/// The number of exports in one load. Their bodies are all in memory.
const EXPORTS: usize = 500;
/// The number of keys in one measurement. The slowest percent is not counted.
const KEYS: usize = 3000;
const READERS: usize = 12;
const LIMITS: [usize; 5] = [1, 10, 100, 500, 1000];
/// The limit of the time of a request while others read: this multiple of the time on an idle server, or `MAX_TIME` if
/// that is longer.
const MAX_RATIO: u32 = 20;
const MAX_TIME: Duration = Duration::from_millis(200);

pub(super) fn run() -> Result<()> {
    let root = workspace::root()?;
    process::run(process::cargo(
        &root,
        "build --release --locked --package hh-cli --bins",
    ))?;
    let home = tempfile::tempdir()?;
    let key_file = home.path().join("admin.key");
    let (data, file) = (home.path().join("data"), key_file.display().to_string());
    let data = data.display().to_string();
    let server = Program::start(
        &target(&root)?.join("release/honeyhive"),
        &[
            "server",
            "start",
            "--bind",
            "127.0.0.1:0",
            "--data-dir",
            &data,
            "--admin-key-file",
            &file,
        ],
        home.path(),
    )?;
    let admin = std::fs::read_to_string(&key_file).context("the server wrote no key")?;
    let admin = admin.trim();
    fill(&server, admin)?;
    time_pages(&server, admin)?;
    let idle = measure(&server, admin)?;
    print_line(format_args!("idle: {idle}"));
    let busy = beside_readers(&server, admin)?;
    print_line(format_args!("with {READERS} readers: {busy}"));
    print_line(format_args!("memory: {:.1} MiB", server.memory()? / 1024.0));
    for (what, idle, busy) in [
        ("the first use of a key", idle.first_use, busy.first_use),
        ("a revocation", idle.revocation, busy.revocation),
    ] {
        let most = MAX_TIME.max(idle * MAX_RATIO);
        ensure!(
            busy <= most,
            "{what} took {busy:.1?} with readers, limit {most:.1?}"
        );
    }
    Ok(())
}

fn fill(server: &Program, admin: &str) -> Result<()> {
    let start = Instant::now();
    let exports = EVENTS / otlp::SPANS as usize;
    for first in (0..exports).step_by(EXPORTS) {
        let count = EXPORTS.min(exports - first);
        let batches = (first..first + count).map(|number| otlp::batch("", 0, number));
        let load = Load {
            head: format!(
                "POST /opentelemetry/v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\nauthorization: Bearer {admin}\r\n"
            ),
            bodies: batches.map(otlp::protobuf).collect(),
            connections: 8,
        };
        load.run(server.address(), count)?;
    }
    print_line(format_args!(
        "stored {EVENTS} events in {:.0} s",
        start.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Times single pages on an idle server.
fn time_pages(server: &Program, admin: &str) -> Result<()> {
    let mut client = Client::connect(server, admin)?;
    let tools = json!([{"field": "event_type", "operator": "is", "value": "tool"}]);
    for (name, wanted) in [
        ("the first event", json!({"limit": 1})),
        ("the first 1,000 events", json!({})),
        ("the last 1,000 events", json!({"page": EVENTS / 1000})),
        (
            "the last 1,000 events of a type",
            json!({"page": EVENTS / 1000, "filters": tools}),
        ),
        ("a page after the end", json!({"page": u32::MAX})),
    ] {
        let start = Instant::now();
        client.succeed("POST", "/v1/events/export", &wanted)?;
        print_line(format_args!("idle: {name}: {:.1?}", start.elapsed()));
    }
    Ok(())
}

/// The 99th percentiles of the times.
#[derive(Clone, Copy)]
struct Latencies {
    first_use: Duration,
    revocation: Duration,
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first_use,
            revocation,
        } = self;
        write!(
            f,
            "99 % of first uses of a key within {first_use:.1?}, of revocations within {revocation:.1?}"
        )
    }
}

/// Creates keys, uses each for the first time and revokes it. Any failure is an error.
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
    let (mut first_uses, mut revocations) = (Vec::new(), Vec::new());
    for (id, key) in keys {
        let mut by_key = Client::connect(server, &key)?;
        let start = Instant::now();
        by_key.succeed("GET", "/v1/auth/whoami", &Value::Null)?;
        first_uses.push(start.elapsed());
        let start = Instant::now();
        by_admin.succeed("DELETE", &format!("/v1/api_keys/{id}"), &Value::Null)?;
        revocations.push(start.elapsed());
        let (status, _) = by_key.call("GET", "/v1/auth/whoami", &Value::Null)?;
        ensure!(status == 401, "a revoked key is answered with {status}");
    }
    Ok(Latencies {
        first_use: percentile(first_uses),
        revocation: percentile(revocations),
    })
}

fn percentile(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = times.len() * 99 / 100;
    times.get(at).copied().unwrap_or_default()
}

/// Measures while other clients read pages, each with a page number that no other request has.
fn beside_readers(server: &Program, admin: &str) -> Result<Latencies> {
    let stop = AtomicBool::new(false);
    let (pages, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let read = |number: usize| -> Result<()> {
            let mut client = Client::connect(server, admin)?;
            for round in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let limit = LIMITS[(number + round) % LIMITS.len()];
                // The page is in the last tenth of the events.
                let last = EVENTS / limit;
                let page = last - (number * 7919 + round * 104_729) % (last / 10).max(1);
                let wanted = json!({"limit": limit, "page": page});
                match client.call("POST", "/v1/events/export", &wanted)? {
                    (200, _) => pages.fetch_add(1, Ordering::Relaxed),
                    (503, _) => refused.fetch_add(1, Ordering::Relaxed),
                    (status, _) => bail!("a page of events is answered with {status}"),
                };
            }
            Ok(())
        };
        let readers: Vec<_> = (0..READERS)
            .map(|number| scope.spawn(move || read(number)))
            .collect();
        let start = Instant::now();
        let measured = measure(server, admin);
        let took = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            let Ok(result) = reader.join() else {
                bail!("a reader's thread has failed");
            };
            result?;
        }
        print_line(format_args!(
            "{READERS} readers of far pages read {} pages in {:.0} s, {} requests were refused with 503",
            pages.load(Ordering::Relaxed),
            took.as_secs_f64(),
            refused.load(Ordering::Relaxed)
        ));
        measured
    })
}

/// A connection that uses one key.
struct Client {
    reader: BufReader<TcpStream>,
    authorization: String,
}

impl Client {
    fn connect(server: &Program, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(server.address()).context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            reader: BufReader::new(stream),
            authorization: format!("authorization: Bearer {key}"),
        })
    }

    /// Sends one request; a null body means no body.
    fn call(&mut self, method: &str, path: &str, body: &Value) -> Result<(u16, Vec<u8>)> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{}\r\ncontent-length: {}\r\n\r\n{body}",
            self.authorization,
            body.len()
        );
        self.reader.get_mut().write_all(request.as_bytes())?;
        response(&mut self.reader)
    }

    fn succeed(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let (status, body) = self.call(method, path, body)?;
        ensure!(
            status == 200,
            "{method} {path} is answered with {status}: {}",
            String::from_utf8_lossy(&body)
        );
        Ok(serde_json::from_slice(&body)?)
    }
}
