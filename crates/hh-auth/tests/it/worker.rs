//! The other processes of the tests: this test program again, told by variables what to do.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hh_auth::{FileStore, StoreErrorKind};
use hh_config::Env;
use rustix::fs::Mode;

use super::{profile, store};

/// What a process does with the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job<'a> {
    /// Waits for a line, then puts profiles of this name, one for each number.
    Put { name: &'a str, count: u32 },
    /// Puts the profile `p` with one number after the other until it is killed, and writes a line after each.
    PutForEver,
    /// Checks what happens on a full disk, which is mounted already.
    FullDisk,
    /// Checks what happens when no file can be written.
    NoFile,
    /// Checks the store beside a keyring, for the first time and again.
    #[cfg(feature = "keyring")]
    Keyring,
    #[cfg(feature = "keyring")]
    KeyringAgain,
    /// Checks the store beside a keyring that is locked or does not answer.
    #[cfg(feature = "keyring")]
    LockedKeyring,
}

/// A command that runs a job with a umask, in a directory.
pub(crate) fn command(job: Job<'_>, umask: &str, dir: &Path) -> Command {
    prefixed(&[], job, umask, dir)
}

/// The same, run by another program.
pub(crate) fn prefixed(prefix: &[&str], job: Job<'_>, umask: &str, dir: &Path) -> Command {
    let exe = std::env::current_exe().unwrap();
    let mut words = prefix.iter().map(Path::new).chain([exe.as_path()]);
    let mut command = Command::new(words.next().unwrap());
    command
        .args(words)
        .args(["worker::worker", "--exact", "--nocapture"])
        .env("HH_TEST_UMASK", umask)
        .env("HH_TEST_DIR", dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    match job {
        Job::Put { name, count } => command
            .env("HH_TEST_JOB", "put")
            .env("HH_TEST_NAME", name)
            .env("HH_TEST_COUNT", count.to_string()),
        Job::PutForEver => command.env("HH_TEST_JOB", "put-for-ever"),
        Job::FullDisk => command.env("HH_TEST_JOB", "full-disk"),
        Job::NoFile => command.env("HH_TEST_JOB", "no-file"),
        #[cfg(feature = "keyring")]
        Job::Keyring => command.env("HH_TEST_JOB", "keyring"),
        #[cfg(feature = "keyring")]
        Job::KeyringAgain => command.env("HH_TEST_JOB", "keyring-again"),
        #[cfg(feature = "keyring")]
        Job::LockedKeyring => command.env("HH_TEST_JOB", "locked-keyring"),
    };
    command
}

/// Reads the lines of a process up to one of its own: the test program says other things first.
pub(crate) fn wait_for(
    child: &mut Child,
    line: &str,
) -> std::io::BufReader<std::process::ChildStdout> {
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut read = String::new();
    while !read.ends_with(&format!("{line}\n")) {
        let count = output.read_line(&mut read).unwrap();
        assert!(count > 0, "the process ended: {read}");
    }
    output
}

/// Does nothing by itself: other tests start this one in processes of its own and tell it what to do.
#[test]
fn worker() {
    let env = Env::from_process();
    let text = |name: &str| env.get(name).and_then(|value| value.to_str());
    let Some(job) = text("HH_TEST_JOB") else {
        return;
    };
    let umask = u32::from_str_radix(text("HH_TEST_UMASK").unwrap(), 8).unwrap();
    rustix::process::umask(Mode::from_raw_mode(umask));
    let store = store(Path::new(text("HH_TEST_DIR").unwrap()));
    match job {
        "put" => {
            print_line("\nready");
            std::io::stdin()
                .lock()
                .read_line(&mut String::new())
                .unwrap();
            let name = text("HH_TEST_NAME").unwrap();
            for number in 0..text("HH_TEST_COUNT").unwrap().parse().unwrap() {
                store.put(profile(name, number)).unwrap();
            }
        }
        "put-for-ever" => {
            print_line("\nready");
            for number in 0.. {
                store.put(profile("p", number)).unwrap();
                print_line("put");
            }
        }
        "full-disk" => super::disk::on_a_full_disk(&store),
        "no-file" => nothing_changes(&store, "make room"),
        #[cfg(feature = "keyring")]
        "keyring" => super::keyring::with_a_keyring(&store),
        #[cfg(feature = "keyring")]
        "keyring-again" => super::keyring::with_a_keyring_again(&store),
        #[cfg(feature = "keyring")]
        "locked-keyring" => super::keyring::with_a_locked_keyring(&store),
        other => panic!("there is no job {other}"),
    }
}

/// Checks that a profile cannot be stored, why it says so, and that what was there still is.
pub(crate) fn nothing_changes(store: &FileStore, advice: &str) {
    let before = std::fs::read(store.path()).unwrap();
    let names = super::private_files(store);
    let error = store.put(profile("new", 2)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Io);
    let message = error.to_string();
    assert!(message.contains("nothing was changed"), "{message}");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(advice), "{hint}");
    assert!(message.contains("credentials.toml"), "{message}");
    assert_eq!(message.lines().count(), 1);
    assert_eq!(std::fs::read(store.path()).unwrap(), before);
    assert_eq!(super::private_files(store), names, "nothing is left behind");
}

fn print_line(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
