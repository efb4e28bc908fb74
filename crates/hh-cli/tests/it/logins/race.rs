//! Many real logins at the same time: none is lost, and readers never see a partial login.

use std::sync::atomic::{AtomicBool, Ordering};

use hh_testing::rounds;

use super::{UMASKS, give_key, is_temporary, login, number_of, private_files, store, wait};
use crate::support::{Loopback, TestEnv};

const LOGINS: u32 = 20;
const ROUNDS: u32 = 20;

#[test]
fn logins_at_once_are_all_kept_and_readers_see_whole_stores() {
    let rounds = rounds(ROUNDS);
    let server = Loopback::start();
    let (mut reads, mut lists) = (0, 0);
    for _ in 0..rounds {
        let (more_reads, more_lists) = round(&server.url());
        reads += more_reads;
        lists += more_lists;
    }
    drop(server.requests());
    println!(
        "soak: {rounds} rounds of {LOGINS} concurrent real logins, all {} stored; meanwhile {reads} profiles were read and all profiles listed {lists} times",
        rounds * LOGINS
    );
}

fn round(url: &str) -> (usize, usize) {
    let mut env = TestEnv::new();
    env.set("HH_BASE_URL", url);
    let umasks = UMASKS.into_iter().cycle();
    let mut children: Vec<_> = (0..LOGINS)
        .zip(umasks)
        .map(|(number, umask)| login(&env, umask, &name(number)))
        .collect();
    let done = AtomicBool::new(false);
    let read = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&env, url, &done));
        for (number, child) in (0..).zip(&mut children) {
            give_key(child, number);
        }
        // The reader stops with any result of the logins.
        let ended = std::panic::catch_unwind(|| children.into_iter().for_each(wait));
        done.store(true, Ordering::Relaxed);
        let read = reader.join().unwrap();
        ended.unwrap();
        read
    });
    for number in 0..LOGINS {
        let found = store(&env).get(Some(&name(number))).unwrap();
        assert_eq!(number_of(&found.unwrap(), url), number);
    }
    assert_eq!(store(&env).list().unwrap().len(), LOGINS as usize);
    let files = private_files(&env);
    assert!(!files.iter().any(|name| is_temporary(name)), "{files:?}");
    read
}

fn name(number: u32) -> String {
    format!("p{number}")
}

/// Reads the store until `done`, sometimes with the command: every read succeeds, and no profile disappears.
/// Returns the number of profiles read and the number of runs of the command.
fn read_until(env: &TestEnv, url: &str, done: &AtomicBool) -> (usize, usize) {
    let (store, mut reads, mut lists, mut before) = (store(env), 0, 0, Vec::new());
    while !done.load(Ordering::Relaxed) {
        let entries = store.list().unwrap();
        let names: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
        let gone = before.iter().find(|name| !names.contains(name));
        assert_eq!(gone, None, "a profile disappeared");
        for found in &names {
            let profile = store.get(Some(found)).unwrap().unwrap();
            assert_eq!(&name(number_of(&profile, url)), found);
            reads += 1;
        }
        private_files(env);
        if reads >= lists * 100 {
            let listed = env.json(&["auth", "list"]);
            let count = listed["items"].as_array().unwrap().len();
            assert!(
                count >= names.len(),
                "{names:?} were stored before {listed}"
            );
            lists += 1;
        }
        before = names;
    }
    (reads, lists)
}
