//! Compares the CPU time that a span costs the calling thread in the tracer and in OpenTelemetry, for
//! `cargo xtask bench tracer`.
//!
//! OpenTelemetry runs with its batch processor and its OTLP exporter over HTTP. Both send to a server in this process.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use hh_config::Env;
use hh_sdk::{HoneyHiveTracer, SpanKind};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider,
};
use rustix::time::{ClockId, clock_gettime};

/// Number of pairs of blocks, one of each kind in direct succession, so that other work on the machine affects both.
/// The median of their ratios counts.
const PAIRS: usize = 31;
const SPANS: u32 = 2_000;
const QUEUE: usize = 100_000;
const LIMIT: f64 = 4.0;
const FLUSH: Duration = Duration::from_mins(1);

fn main() -> Result<(), Box<dyn Error>> {
    // The HTTP client of OpenTelemetry requires a provider even for plain HTTP. This fails only if one is already
    // installed.
    drop(rustls::crypto::ring::default_provider().install_default());
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", server.local_addr()?);
    std::thread::spawn(move || serve(&server));

    let tracer = honeyhive(&url)?;
    let session = tracer.session("bench").start();
    let provider = open_telemetry(&url)?;
    let other = provider.tracer("bench");
    let ours = || -> Result<f64, Box<dyn Error>> {
        let spent = micros(|number| {
            let mut span = session
                .span("chat", SpanKind::Model)
                .with_input("prompt", "Which documents mention the refund policy?")
                .with_config("model", "a-large-model")
                .with_metadata("number", number)
                .start();
            span.set_output("completion", "The refund policy is described in section 4.");
            span.set_metric("score", 0.75);
            span.end();
        });
        tracer.flush_blocking(FLUSH)?;
        Ok(spent)
    };
    let theirs = || -> Result<f64, Box<dyn Error>> {
        let spent = micros(|number| span_of_open_telemetry(&other, number));
        provider.force_flush()?;
        Ok(spent)
    };
    ours()?;
    theirs()?;
    let mut pairs = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        pairs.push((theirs()?, ours()?));
    }
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[PAIRS / 2]
    };
    let ratio = median(|(theirs, ours)| ours / theirs);
    writeln!(
        io::stdout(),
        "span with five attributes, CPU time of the caller: {:.2} us; OpenTelemetry with batch processor and OTLP: {:.2} us; ratio {ratio:.2}, limit {LIMIT}",
        median(|pair| pair.1),
        median(|pair| pair.0),
    )?;
    if tracer.dropped() > 0 {
        return Err(format!("{} spans were dropped", tracer.dropped()).into());
    }
    if ratio > LIMIT {
        return Err("the ratio exceeds its limit".into());
    }
    Ok(())
}

fn honeyhive(url: &str) -> Result<HoneyHiveTracer, hh_sdk::Error> {
    let queue = QUEUE.to_string();
    let variables = [("HH_MAX_QUEUE_SIZE", &*queue), ("HH_BATCH_SIZE", "512")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    HoneyHiveTracer::builder()
        .with_env(Env::from_pairs(variables))
        .with_api_key("hh_1234567890abcdef1234567890abcdef")
        .with_base_url(url)
        .with_project("bench")
        .build()
}

fn open_telemetry(url: &str) -> Result<SdkTracerProvider, Box<dyn Error>> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{url}/v1/traces"))
        .build()?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(512)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches)
        .build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build())
}

/// Records a span with the same five attributes in OpenTelemetry.
fn span_of_open_telemetry(tracer: &SdkTracer, number: u32) {
    let mut span = tracer.start("chat");
    span.set_attribute(KeyValue::new(
        "honeyhive_inputs.prompt",
        "Which documents mention the refund policy?",
    ));
    span.set_attribute(KeyValue::new("honeyhive_config.model", "a-large-model"));
    span.set_attribute(KeyValue::new(
        "honeyhive_metadata.number",
        i64::from(number),
    ));
    span.set_attribute(KeyValue::new(
        "honeyhive_outputs.completion",
        "The refund policy is described in section 4.",
    ));
    span.set_attribute(KeyValue::new("honeyhive_metrics.score", 0.75));
    span.end();
}

/// Returns the CPU time of the calling thread for one span, in microseconds.
fn micros(span: impl Fn(u32)) -> f64 {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let start = now();
    for number in 0..SPANS {
        span(number);
    }
    now().saturating_sub(start).as_secs_f64() * 1e6 / f64::from(SPANS)
}

/// Accepts all exports and sessions, with one thread for each connection.
fn serve(server: &TcpListener) {
    for connection in server.incoming().flatten() {
        std::thread::spawn(|| accept(connection));
    }
}

fn accept(connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    loop {
        let mut length = 0;
        let mut is_json = false;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            is_json |= line.starts_with("content-type:") && line.contains("json");
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (kind, body) = if is_json {
            ("application/json", "{}")
        } else {
            ("application/x-protobuf", "")
        };
        write!(
            writer,
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}
