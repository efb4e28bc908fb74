//! Concurrent logins: no login is lost, and readers never see a partial file.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use hh_auth::FileStore;
use hh_testing::rounds;

use super::worker::{Job, command, wait_for};
use super::{number_of, private_files, store};

const PROCESSES: u32 = 20;
/// The number of logins of each process per round.
const PUTS: u32 = 2;
const READERS: u32 = 2;
const ROUNDS: u32 = 3;

#[test]
fn logins_at_once_lose_nothing_and_readers_see_whole_stores() {
    let rounds = rounds(ROUNDS);
    let mut reads = 0;
    for _ in 0..rounds {
        reads += round();
    }
    println!(
        "soak: {rounds} rounds of {PROCESSES} writers of the store at once; {reads} reads meanwhile"
    );
}

fn round() -> usize {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("home/config");
    let store = store(&dir);
    let names: Vec<_> = (0..PROCESSES).map(|number| format!("p{number}")).collect();
    let umasks = ["000", "022", "077"].into_iter().cycle();
    let mut children: Vec<_> = names
        .iter()
        .zip(umasks)
        .map(|(name, umask)| {
            let job = Job::Put { name, count: PUTS };
            command(job, umask, &dir).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = children
        .iter_mut()
        .map(|child| wait_for(child, "ready"))
        .collect();
    let done = AtomicBool::new(false);
    let (ended, reads) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| scope.spawn(|| read_until(&store, &done)))
            .collect();
        for child in &mut children {
            child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        }
        let ended: Vec<_> = children.iter_mut().map(std::process::Child::wait).collect();
        done.store(true, Ordering::Relaxed);
        let reads: usize = readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum();
        (ended, reads)
    });
    for status in ended {
        assert!(status.unwrap().success());
    }
    drop(outputs);
    let stored = store.list().unwrap();
    let stored: BTreeSet<_> = stored.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(stored, names.iter().map(String::as_str).collect());
    for name in &names {
        let found = store.get(Some(name)).unwrap().unwrap();
        assert_eq!(number_of(&found), PUTS - 1);
    }
    assert!(names.contains(&store.current().unwrap().unwrap()));
    let files = private_files(&store);
    assert_eq!(files.len(), 2, "{files:?}");
    reads
}

/// Reads until the writers are done. Every read succeeds, and profiles neither disappear nor return to an older state.
fn read_until(store: &FileStore, done: &AtomicBool) -> usize {
    let mut reads = 0;
    let mut before: Vec<(String, u32)> = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let entries = store.list().unwrap();
        for (name, number) in &before {
            let found = store.get(Some(name)).unwrap();
            assert!(number_of(&found.unwrap()) >= *number, "{name} went back");
        }
        let found = entries.iter().map(|entry| {
            let found = store.get(Some(&entry.name)).unwrap();
            (entry.name.clone(), number_of(&found.unwrap()))
        });
        let found: Vec<_> = found.collect();
        reads += 1 + before.len() + found.len();
        before = found;
        if store.path().exists() {
            private_files(store);
        }
    }
    reads
}
