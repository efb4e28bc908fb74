//! A login that is killed at any time leaves the old profile or the new one.

use std::ffi::OsString;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hh_testing::{PATIENCE, rounds};

use super::{UMASKS, give_key, is_temporary, login, number_of, private_files, store, wait};
use crate::support::{Loopback, TestEnv, usual};

const ROUNDS: u32 = 20;
/// The moment at which a login is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// At any moment of the run.
    OfTheRun,
    /// At a moment after the server received the request, shortly before the write.
    AfterTheAnswer,
    /// During the write.
    OfTheWrite,
    /// Immediately after the new file replaced the old one.
    AfterTheWrite,
}

const MOMENTS: [Moment; 4] = [
    Moment::OfTheRun,
    Moment::AfterTheAnswer,
    Moment::OfTheWrite,
    Moment::AfterTheWrite,
];

/// The results of the kills with one umask.
#[derive(Debug, Default)]
struct KillCounts {
    kills: u32,
    in_new_homes: u32,
    left_nothing: u32,
    left_the_old: u32,
    left_the_new: u32,
    left_a_temporary_file: u32,
}

/// Logins with one umask at one server.
struct Logins {
    umask: &'static str,
    url: String,
    /// Receives a message when the server receives a request.
    asked: Receiver<()>,
    /// The duration of a whole login, and of the part after the server's response.
    takes: Duration,
    takes_after_the_answer: Duration,
    tally: KillCounts,
}

#[test]
fn a_killed_login_leaves_the_old_profile_or_the_new_one() {
    let rounds = rounds(ROUNDS);
    for umask in UMASKS {
        let (sender, asked) = channel();
        let server = Loopback::with(move |request| {
            sender.send(()).ok();
            usual(request)
        });
        let mut logins = Logins {
            umask,
            url: server.url(),
            asked,
            takes: Duration::ZERO,
            takes_after_the_answer: Duration::ZERO,
            tally: KillCounts::default(),
        };
        logins.kill_many(rounds);
        println!(
            "soak: real logins killed under umask {umask}: {:?}",
            logins.tally
        );
        drop(server.requests());
    }
}

impl Logins {
    fn kill_many(&mut self, kills: u32) {
        let env = self.home();
        self.log_in(&env, "p", 0);
        self.log_in(&env, "bystander", 7);
        let mut old = 0;
        for (number, moment) in (1..=kills * 3).zip(MOMENTS.into_iter().cycle()) {
            if self.tally.kills == kills {
                break;
            }
            // The first login creates the directories.
            if number % 5 == 0 {
                self.kill(&self.home(), None, number, moment);
                continue;
            }
            old = self.kill(&env, Some(old), number, moment).unwrap();
            let bystander = store(&env).get(Some("bystander")).unwrap().unwrap();
            assert_eq!(number_of(&bystander, &self.url), 7);
            if number % 50 == 0 {
                self.log_in(&env, "bystander", 7);
            }
        }
        assert_eq!(self.tally.kills, kills, "most logins exit before the kill");
        self.log_in(&env, "p", old);
        let names = private_files(&env);
        assert!(!names.iter().any(|name| is_temporary(name)), "{names:?}");
    }

    fn home(&self) -> TestEnv {
        let mut env = TestEnv::new();
        env.set("HH_BASE_URL", &self.url);
        env
    }

    /// Logs in without a kill, and measures the durations.
    fn log_in(&mut self, env: &TestEnv, profile: &str, number: u32) {
        while self.asked.try_recv().is_ok() {}
        let start = Instant::now();
        let mut child = login(env, self.umask, profile);
        give_key(&mut child, number);
        self.asked.recv_timeout(PATIENCE).unwrap();
        let asked = Instant::now();
        wait(child);
        self.takes = start.elapsed();
        self.takes_after_the_answer = asked.elapsed();
    }

    /// Kills a login, checks what it leaves, and returns the number of the login that the profile comes from.
    fn kill(
        &mut self,
        env: &TestEnv,
        old: Option<u32>,
        number: u32,
        moment: Moment,
    ) -> Option<u32> {
        while self.asked.try_recv().is_ok() {}
        let left_before = temporary_files(env);
        // Spreads the kills evenly over the time, for any number of rounds.
        let share = (f64::from(number) * 0.618_034).fract();
        let start = Instant::now();
        let mut child = login(env, self.umask, "p");
        give_key(&mut child, number);
        match moment {
            Moment::OfTheRun => spin_until(start + self.takes.mul_f64(share)),
            Moment::AfterTheAnswer => {
                self.asked.recv_timeout(PATIENCE).unwrap();
                spin_until(Instant::now() + self.takes_after_the_answer.mul_f64(share));
            }
            Moment::OfTheWrite | Moment::AfterTheWrite => {
                let is_writing = || {
                    temporary_files(env)
                        .iter()
                        .any(|f| !left_before.contains(f))
                };
                let mut is_running = || child.try_wait().unwrap().is_none();
                while !is_writing() && is_running() {}
                let is_to_end = matches!(moment, Moment::AfterTheWrite);
                while is_to_end && is_writing() && is_running() {}
            }
        }
        child.kill().unwrap();
        let is_killed = child.wait().unwrap().code().is_none();

        let names = private_files(env);
        let found = store(env).get(Some("p")).unwrap();
        let found = found.map(|found| number_of(&found, &self.url));
        assert!(
            found == old || found == Some(number),
            "found {found:?}, expected {old:?} or {number}; killed at {moment:?}"
        );
        if !is_killed {
            assert_eq!(found, Some(number), "the login exited before the kill");
            return found;
        }
        let tally = &mut self.tally;
        tally.kills += 1;
        tally.in_new_homes += u32::from(old.is_none());
        tally.left_nothing += u32::from(found.is_none());
        tally.left_the_old += u32::from(found.is_some() && found == old);
        tally.left_the_new += u32::from(found == Some(number));
        tally.left_a_temporary_file += u32::from(names.iter().any(|name| is_temporary(name)));
        found
    }
}

/// Returns the temporary files of the store.
fn temporary_files(env: &TestEnv) -> Vec<OsString> {
    let entries = std::fs::read_dir(env.path(".config/honeyhive"));
    let entries = entries.into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    names
        .filter(|name| name.to_str().is_some_and(is_temporary))
        .collect()
}

fn spin_until(end: Instant) {
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}
