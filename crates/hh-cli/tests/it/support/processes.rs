//! The visible parts of running programs: arguments, and variables for the same user.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::TestEnv;

/// The place where a text was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sighting {
    InArguments,
    InVariables,
}

/// The sightings in the list of processes.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    /// The programs of one home, by process, with their command lines.
    pub(crate) ours: BTreeMap<u32, String>,
    /// The places of the text, with the command lines of the processes.
    pub(crate) with_text: BTreeMap<(u32, Sighting), String>,
}

impl Sightings {
    /// Searches the list of processes once.
    pub(crate) fn look(&mut self, env: &TestEnv, text: &str) {
        let home = format!("HOME={}", env.path("").display());
        let home = home.trim_end_matches('/');
        for entry in fs::read_dir("/proc").unwrap() {
            let Ok(pid) = entry.unwrap().file_name().to_string_lossy().parse() else {
                continue;
            };
            // A process that has exited in the meantime has neither arguments nor variables.
            let read = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            let (arguments, variables) = (read("cmdline"), read("environ"));
            let shown = String::from_utf8_lossy(&arguments).replace('\0', " ");
            if contains(&variables, home) {
                self.ours.insert(pid, shown.clone());
            }
            for (bytes, seen) in [
                (arguments, Sighting::InArguments),
                (variables, Sighting::InVariables),
            ] {
                if contains(&bytes, text) {
                    self.with_text.insert((pid, seen), shown.clone());
                }
            }
        }
    }

    /// Returns the places where the text was seen, without the processes.
    pub(crate) fn places(&self) -> Vec<Sighting> {
        self.with_text.keys().map(|(_, seen)| *seen).collect()
    }

    /// Returns whether a program of the home ran whose command line contains this part.
    pub(crate) fn ran(&self, part: &str) -> bool {
        self.ours.values().any(|shown| shown.contains(part))
    }
}

/// Searches repeatedly while `run` runs.
pub(crate) fn watch<T>(env: &TestEnv, text: &str, run: impl FnOnce() -> T) -> (T, Sightings) {
    /// Stops the watch, also when the test fails.
    struct StopOnDrop<'a>(&'a AtomicBool);
    impl Drop for StopOnDrop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut watched = Sightings::default();
            while !ended.load(Ordering::Relaxed) {
                watched.look(env, text);
            }
            watched
        });
        let end = StopOnDrop(&ended);
        let result = run();
        drop(end);
        (result, watcher.join().unwrap())
    })
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|at| at == text.as_bytes())
}
