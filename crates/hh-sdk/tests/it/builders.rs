//! The builders of the client and of the tracer have the same options.

use std::collections::BTreeSet;
use std::time::Duration;

use hh_sdk::api::types::EventKind;
use hh_sdk::config::{Env, names};
use hh_sdk::{
    ErrorKind, HoneyHive, HoneyHiveTracer, InMemoryExporter, Options, SpanKind, get_config_with,
};

use crate::network::KEY;
use crate::support::empty_env;

/// Calls methods of a builder, and returns the builder and the names of the methods.
macro_rules! set {
    ($builder:expr, $($method:ident($($value:expr),*)),* $(,)?) => {
        ($builder$(.$method($($value),*))*, [$(stringify!($method)),*])
    };
}

/// Sets every option that both builders have. It compiles only for a builder with all of them.
macro_rules! set_every_option {
    ($builder:expr) => {
        set!(
            $builder,
            with_options(Options::new().without_store()),
            with_env(empty_env()),
            with_api_key(KEY),
            with_config_file("/dev/null"),
            with_env_file("/dev/null"),
            with_base_url("http://127.0.0.1:9"),
            with_project("docs"),
            with_source("ci"),
            with_environment("staging"),
            with_profile("work"),
            with_test_mode(true),
            with_strict(true),
            with_debug(true),
            with_timeout(Duration::from_secs(2)),
        )
    };
}

/// Returns the names of the methods that begin with `with` in a source file.
fn methods(source: &str) -> BTreeSet<String> {
    let definitions = source.split("pub fn with").skip(1);
    let names = definitions.filter_map(|rest| rest.split('(').next());
    names.map(|rest| format!("with{rest}")).collect()
}

#[test]
fn both_builders_have_every_option() {
    let (_client, of_client) = set_every_option!(HoneyHive::builder());
    let (_tracer, of_tracer) = set_every_option!(HoneyHiveTracer::builder());
    assert_eq!(of_client, of_tracer);
    // The one declaration of the options has no method that is missing above.
    let declared = include_str!("../../src/options.rs");
    let (_, declared) = declared.split_once("macro_rules! option_methods").unwrap();
    assert_eq!(methods(declared), of_client.map(str::to_owned).into());
    // The client has no other options, and those of the tracer make no sense for a client.
    assert_eq!(methods(include_str!("../../src/client.rs")), [].into());
    assert_eq!(
        methods(include_str!("../../src/tracer.rs")),
        ["with_in_memory_exporter", "with_session_name"]
            .map(str::to_owned)
            .into()
    );
}

/// The builder has no method for `max_queue_size`, and `Options` sets every setting.
#[test]
fn a_tracer_uses_any_setting_of_its_options() {
    let options = Options::new()
        .with_env(empty_env())
        .with(names::BASE_URL, "http://127.0.0.1:9")
        .with(names::API_KEY, KEY)
        .with(names::MAX_QUEUE_SIZE, "100")
        .with(names::BATCH_SIZE, "1000")
        .with_max_wait(Duration::from_secs(1))
        .without_store();
    let tracer = HoneyHiveTracer::builder()
        .with_project("discarded")
        .with_options(options.clone())
        .with_session_name("nightly")
        .build()
        .unwrap();
    for _ in 0..150 {
        tracer.span("span", SpanKind::Tool).start().end();
    }
    assert_eq!(tracer.dropped(), 51);
    assert!(!format!("{tracer:?}").contains("discarded"));
    let config = get_config_with(&options).unwrap();
    assert_eq!(config.get("max_queue_size"), Some("100"));
}

#[test]
fn a_client_and_a_tracer_without_a_key_say_how_to_supply_one() {
    let client = HoneyHive::builder().with_env(empty_env()).build();
    let tracer = HoneyHiveTracer::builder().with_env(empty_env()).build();
    for error in [client.unwrap_err(), tracer.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::MissingKey);
        let hint = error.hint().unwrap_or_default();
        for part in ["honeyhive auth login", "HH_API_KEY", "api_key"] {
            assert!(hint.contains(part), "{part}: {hint}");
        }
    }
}

#[tokio::test]
async fn a_client_with_only_an_ingestion_key_says_how_to_supply_a_project_key() {
    let key = format!("hh_ingst_{}_{}", "a".repeat(24), "b".repeat(64));
    let env = Env::from_pairs([("HH_INGESTION_API_KEY", key)]);
    let client = HoneyHive::builder().with_env(env).build().unwrap();
    for error in [
        client.list_projects().await.map(drop),
        client.key_info().await.map(drop),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingKey);
        assert!(error.hint().unwrap_or_default().contains("HH_API_KEY"));
    }
}

#[test]
fn each_kind_of_span_is_recorded_as_the_same_kind_of_event() {
    for (kind, expected) in [
        (SpanKind::Chain, EventKind::Chain),
        (SpanKind::Model, EventKind::Model),
        (SpanKind::Tool, EventKind::Tool),
    ] {
        assert_eq!(EventKind::from(kind), expected);
        let exporter = InMemoryExporter::new();
        let tracer = HoneyHiveTracer::builder()
            .with_env(empty_env())
            .with_in_memory_exporter(&exporter)
            .build()
            .unwrap();
        let parent = tracer.span("parent", kind).start();
        parent.child("child", kind).start().end();
        parent.end();
        let kinds: Vec<_> = exporter.events().iter().map(|e| e.event_type).collect();
        assert_eq!(kinds, [EventKind::Session, expected, expected]);
    }
}
