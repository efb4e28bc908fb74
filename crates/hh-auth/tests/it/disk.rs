//! The credential store on full and read-only disks.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use hh_auth::FileStore;

use super::worker::{Job, nothing_changes, prefixed};
use super::{private_files, profile, store};

/// Runs a job below a shell script that ends with `exec "$@"`.
fn run(prefix: &[&str], job: Job<'_>, dir: &Path) {
    let output = prefixed(prefix, job, "022", dir).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}{complaint}");
    assert!(shown.contains("1 passed"), "{shown}");
}

/// Returns whether a private mount is possible, which needs rights that a container may lack.
fn can_mount() -> bool {
    let script = "mount -t tmpfs -o size=64k none /mnt";
    let tried = Command::new("unshare")
        .args(["--mount", "sh", "-c", script])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_and_a_read_only_one_change_nothing() {
    if !can_mount() {
        println!("skipped: a disk cannot be mounted here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=64k none {} && exec \"$@\"",
        dir.path().display()
    );
    let prefix = ["unshare", "--mount", "sh", "-c", &script, "sh"];
    run(&prefix, Job::FullDisk, dir.path());
}

/// Runs in a separate process, whose disk has 64 KiB.
pub(crate) fn on_a_full_disk(store: &FileStore) {
    store.put(profile("old", 1)).unwrap();
    let dir = store.path().parent().unwrap();
    let filler = dir.parent().unwrap().join("filler");
    let fill = || {
        let mut full = File::options()
            .create_new(true)
            .write(true)
            .open(&filler)
            .unwrap();
        while full.write_all(&[0; 512]).is_ok() {}
    };
    fill();
    nothing_changes(store, "free disk space and try again");
    assert_eq!(store.current().unwrap().as_deref(), Some("old"));

    // A damaged file is not renamed, either.
    std::fs::remove_file(&filler).unwrap();
    let whole = std::fs::read(store.path()).unwrap();
    let damage = |bytes: &[u8]| {
        let mut opened = File::options()
            .write(true)
            .truncate(true)
            .open(store.path())
            .unwrap();
        opened.write_all(bytes).unwrap();
    };
    damage(b"damage");
    fill();
    nothing_changes(store, "free disk space and try again");
    std::fs::remove_file(&filler).unwrap();
    damage(&whole);

    store.put(profile("new", 2)).unwrap();
    assert_eq!(store.list().unwrap().len(), 2);
    let remount = |how: &str| {
        let ran = Command::new("mount")
            .args(["-o", how])
            .arg(dir.parent().unwrap())
            .status();
        assert!(ran.unwrap().success());
    };
    remount("remount,ro");
    nothing_changes(store, "make its directory writable");
    assert_eq!(store.current().unwrap().as_deref(), Some("new"));
    remount("remount,rw");
    assert_eq!(store.remove(None).unwrap().as_deref(), Some("new"));
    private_files(store);
}

/// This needs no rights: the system rejects files of more than 0 bytes.
#[test]
fn a_file_that_cannot_be_written_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    store.put(profile("old", 1)).unwrap();
    // The signal would kill the process before it receives the error.
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    run(&["sh", "-c", script, "sh"], Job::NoFile, dir.path());
    assert_eq!(store.current().unwrap().as_deref(), Some("old"));
}
