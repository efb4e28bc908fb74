//! Confirmed data is stored after the process was killed. (Durability after a power failure depends on SQLite's
//! `synchronous=FULL`, which no test of a process can show.)

use std::sync::Barrier;
use std::thread;

use hh_testing::ServerProcess;
use serde_json::Value;

use super::http::{count, export, spans};
use super::support::{TestDir, key_in};

const ROUNDS: u64 = 20;
const CONNECTIONS: u64 = 4;
const SPANS: u64 = 25;
/// The event type of the spans whose export was confirmed before the kill.
const ANSWERED: &str = "model";
/// The event type of the spans that were in flight.
const FLOOD: &str = "chain";

#[test]
fn an_answered_export_outlives_kill_9() {
    let place = TestDir::new();
    let mut server = place.start();
    let key = key_in(&place.make_key(&server, "read_write"));
    let mut expected = 0;
    let mut flood_answered = 0;
    for round in 0..ROUNDS {
        let (sent, flood) = export_and_kill(server, &key, round);
        expected += CONNECTIONS * SPANS;
        flood_answered += flood;

        server = place.start();
        let stored = count(server.address(), &key, ANSWERED);
        assert_eq!(stored, expected, "round {round}");
        export(server.address(), &key, &sent).unwrap();
        let again = count(server.address(), &key, ANSWERED);
        assert_eq!(again, expected, "round {round}: sent again");

        // Each kill may interrupt one export that is stored and not confirmed; no export is stored in part.
        let flooded = count(server.address(), &key, FLOOD);
        assert_eq!(flooded % SPANS, 0, "round {round}: {flooded} spans");
        let exports = flooded / SPANS;
        assert!(
            (flood_answered..=flood_answered + round + 1).contains(&exports),
            "round {round}: {flood_answered} exports confirmed, {exports} stored"
        );
        println!(
            "round {round:2}: confirmed {expected:4} spans, stored {stored:4}, after resending {again:4}; \
             until the kill: confirmed {flood_answered:3} exports, stored {exports:3}"
        );
    }
}

/// Exports over several connections at the same time and kills the server when all are confirmed, while another
/// connection continues to send. Returns one of the requests, and the number of confirmed exports of that connection.
fn export_and_kill(server: ServerProcess, key: &str, round: u64) -> (Value, u64) {
    let address = server.address().to_owned();
    let request = |kind, connection| {
        let trace = (round + 1) * 1_000_000 + connection;
        spans(kind, trace, SPANS)
    };
    let together = Barrier::new(usize::try_from(CONNECTIONS).unwrap() + 1);
    thread::scope(|scope| {
        let flood = scope.spawn(|| {
            together.wait();
            let mut answered = 0;
            while export(&address, key, &request(FLOOD, 1000 + answered)).is_ok() {
                answered += 1;
            }
            answered
        });
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let (together, address, request) = (&together, &address, &request);
                scope.spawn(move || {
                    let request = request(ANSWERED, connection);
                    together.wait();
                    export(address, key, &request).unwrap();
                    request
                })
            })
            .collect();
        let sent: Vec<Value> = senders.into_iter().map(|s| s.join().unwrap()).collect();
        server.kill();
        (sent[0].clone(), flood.join().unwrap())
    })
}
