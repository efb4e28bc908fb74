//! Killed logins: the store has either the old or the new contents.

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use hh_testing::rounds;

use super::worker::{Job, command, wait_for};
use super::{number_of, private_files, profile, store};

const ROUNDS: u32 = 20;

#[test]
fn a_killed_login_leaves_a_whole_store() {
    let rounds = rounds(ROUNDS);
    let mut left_behind = 0;
    for umask in ["000", "022", "077"] {
        let dir = tempfile::tempdir().unwrap();
        // The first login creates the directories.
        let dir = dir.path().join("home/config");
        let store = store(&dir);
        for round in 0..rounds {
            let mut child = command(Job::PutForEver, umask, &dir).spawn().unwrap();
            let mut lines = wait_for(&mut child, "ready").lines();
            let puts = 1 + round % 3;
            let start = Instant::now();
            for _ in 0..puts {
                assert_eq!(lines.next().unwrap().unwrap(), "put");
            }
            // Kills each round at another moment of the next put.
            let moment = start.elapsed() / puts * (round * 7 % 20) / 16;
            spin(moment);
            child.kill().unwrap();
            child.wait().unwrap();
            let more = lines
                .map_while(Result::ok)
                .filter(|line| line == "put")
                .count();

            let done = puts + u32::try_from(more).unwrap();
            let found = store.get(Some("p")).unwrap().unwrap();
            // The last put may be finished but not yet reported.
            let number = number_of(&found);
            assert!((done - 1..=done).contains(&number), "{number}, {done} puts");
            assert_eq!(store.current().unwrap().as_deref(), Some("p"));
            let names = private_files(&store);
            left_behind += names.iter().filter(|name| name.starts_with('.')).count();
            if round > 0 {
                store.get(Some("bystander")).unwrap().unwrap();
            }
            store.put(profile("bystander", round)).unwrap();
            let names = private_files(&store);
            assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
        }
    }
    println!(
        "soak: {rounds} writers of the store killed for each of 3 umasks; {left_behind} kills left a temporary file"
    );
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
