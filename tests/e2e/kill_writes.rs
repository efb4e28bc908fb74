//! Kills of a server under full load: nothing that it confirmed is lost, and nothing that it deleted returns.
//! (Durability after a power failure depends on SQLite's `synchronous=FULL`, which no test of a process can show.)

mod client;
mod sent;
mod stored;

use std::sync::mpsc::channel;
use std::thread;

use hh_testing::{PATIENCE, ServerProcess, rounds};

use super::support::{TestDir, key_in};
use client::{Api, Client, Random};
use stored::Stored;

const ROUNDS: u32 = 5;
/// The number of connections that send requests at the same time.
const CLIENTS: u64 = 6;
/// The server is killed after at least as many responses as the first number, and after fewer than the sum of both.
const RESPONSES: (u64, u64) = (40, 200);

#[test]
fn kill_9_under_full_load_loses_nothing_and_nothing_deleted_returns() {
    let place = TestDir::new();
    let mut server = place.start();
    let key = key_in(&place.make_key(&server, "read_write"));
    let mut clients: Vec<Client> = (0..CLIENTS).map(Client::new).collect();
    let mut random = Random::new(CLIENTS);
    let rounds = rounds(ROUNDS);
    let (mut interrupted, mut stored_anyway, mut resent, mut events) = (0, 0, 0, 0);
    for round in 0..rounds {
        let responses = RESPONSES.0 + random.below(RESPONSES.1);
        let room = usize::try_from(15 + round / 4).unwrap();
        run_and_kill(server, &key, &mut clients, room, responses);

        server = place.start();
        let api = Api::new(&server, &key);
        println!("round {round}: {responses} responses before the kill");
        let stored = Stored::read(&api, round % 2 == 0);
        for client in &mut clients {
            interrupted += 1;
            stored_anyway += u64::from(client.settle(&stored));
            client.check_reads(&api);
        }
        check_all(&api, &clients, &stored);
        for client in &mut clients {
            resent += client.resend(&api);
        }
        let stored = Stored::read(&api, round % 2 == 1);
        for client in &mut clients {
            client.settle(&stored);
            client.forget_deleted();
        }
        check_all(&api, &clients, &stored);
        events = stored.len();
    }
    let confirmed = clients
        .iter()
        .fold([0; 4], |sum, client| client.confirmed_with(sum));
    let [created, updated, deleted_events, deleted_sessions] = confirmed;
    println!(
        "soak: {rounds} kills -9 of a server that had confirmed {created} exports and batches, {updated} updates, and \
         deletions of {deleted_events} events and {deleted_sessions} sessions; of {interrupted} interrupted requests \
         {stored_anyway} had an effect; {resent} requests were sent again; {events} events at the end; no event was lost, \
         and no deleted event returned"
    );
}

/// Sends requests over all connections at the same time, and kills the server after a number of responses.
fn run_and_kill(
    server: ServerProcess,
    key: &str,
    clients: &mut [Client],
    room: usize,
    responses: u64,
) {
    let api = Api::new(&server, key);
    thread::scope(|scope| {
        let (sender, confirmed) = channel();
        for client in clients {
            let (api, sender) = (&api, sender.clone());
            scope.spawn(move || client.run(api, room, &sender));
        }
        drop(sender);
        for _ in 0..responses {
            confirmed.recv_timeout(PATIENCE).unwrap();
        }
        server.kill();
    });
}

/// Checks that no other events are stored than those of the clients, and that the counts are those of the events.
fn check_all(api: &Api, clients: &[Client], stored: &Stored) {
    let expected: usize = clients.iter().map(Client::len).sum();
    assert_eq!(stored.len(), expected, "events without a client are stored");
    stored.check_counts(api);
}
