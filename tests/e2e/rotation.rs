//! A key is rotated repeatedly while a client and a tracer continue to send with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hh_sdk::config::Env;
use hh_sdk::{HoneyHive, HoneyHiveTracer, SpanKind};
use hh_testing::{PATIENCE, rounds, run, run_with_input};

use super::http::count;
use super::support::{PROJECT, TestDir, key_in};

/// The number of requests per second, and of spans per second.
const A_SECOND: u32 = 200;

/// Rotates the login once, after the grace period of the previous rotation.
fn rotate(place: &TestDir) {
    loop {
        let done = run(&mut place.command(&["auth", "rotate", "--grace", "2s"]));
        match done.code {
            0 => return,
            1 if done.stderr.contains("is still active") => {}
            _ => panic!("{done:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_under_load_fail_no_request() {
    let rounds = rounds(2);

    let place = TestDir::new();
    let server = place.start();
    let key = key_in(&place.make_key(&server, "read_write"));
    let mut login = place.command(&["auth", "login", "--storage", "file", "--api-key-stdin"]);
    let done = run_with_input(login.env("HH_BASE_URL", server.url()), &key).unwrap();
    assert_eq!(done.code, 0, "{done:?}");

    let home = place.path("home").join("config");
    let env = Env::from_pairs([("XDG_CONFIG_HOME", home)]);
    let client = HoneyHive::builder().with_env(env.clone()).build().unwrap();
    let tracer = HoneyHiveTracer::builder();
    let tracer = tracer.with_env(env).with_project(PROJECT).build().unwrap();
    let session = tracer.session("under load").start();

    let is_done = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&is_done);
    let rotations = tokio::task::spawn_blocking(move || {
        // One more rotation, so that the key before the last is also revoked under load.
        for _ in 0..=rounds {
            rotate(&place);
        }
        done.store(true, Ordering::Release);
        place
    });
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
    let mut calls = Vec::new();
    let mut spans = 0;
    while !is_done.load(Ordering::Acquire) {
        ticks.tick().await;
        let client = client.clone();
        calls.push(tokio::spawn(async move { client.list_projects().await }));
        session.span("step", SpanKind::Tool).start().end();
        spans += 1;
        if spans % 100 == 0 {
            tracer.flush(PATIENCE).await.unwrap();
        }
    }
    let place = rotations.await.unwrap();
    let requests = calls.len();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    session.end();
    tracer.shutdown(PATIENCE).await.unwrap();
    let store = place.path("home/config/honeyhive/credentials.toml");
    let store = std::fs::read_to_string(store).unwrap();
    let saved = store
        .lines()
        .find_map(|line| line.strip_prefix("api_key = "));
    let saved = saved.unwrap().trim_matches('"');
    assert_eq!(count(server.address(), saved, "tool"), spans);
    println!(
        "soak: {rounds} rotations with 2 s of grace during {requests} requests and {spans} spans, {A_SECOND} per second each: none failed"
    );
}
