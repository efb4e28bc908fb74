//! Tests the checks of the data directory at startup.

use std::fs::{self, File, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::Command;

use hh_auth::private_file::{Replace, create_private_dir, write_private};
use hh_server::{FirstKey, Server, StartErrorKind};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::rest::refusal;
use super::support::{TestServer, data_dir, options, text_of, within};

const WHOAMI: &str = "/v1/auth/whoami";

/// Returns a data directory after a first start and a stop, with its admin key.
async fn stopped() -> (TempDir, String) {
    let server = TestServer::start().await;
    let key = server.first_key().to_owned();
    (server.stop().await, key)
}

/// Starts a server on an existing data directory, and checks that its key works.
pub(crate) async fn works(dir: TempDir, key: &str) -> TempDir {
    let mut server = Server::start(options(&dir)).await.unwrap();
    assert!(server.take_first_key().is_none());
    let server = TestServer::run(server, dir, key.to_owned());
    server.admin().get(WHOAMI).await.assert_ok();
    server.stop().await
}

#[tokio::test]
async fn a_second_server_is_refused_although_the_lock_file_was_removed() {
    let server = TestServer::start().await;
    let lock = server.data_dir().join("lock");
    for is_replaced in [false, true] {
        drop(fs::remove_file(&lock));
        if is_replaced {
            write_private(&lock, b"", Replace::No).unwrap();
        }
        let dir = server.dir();
        let message = refusal(options(dir), dir, StartErrorKind::DataDir).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(message, @"another server uses the data directory DIR; stop it, or choose another directory with --data-dir");
        }
    }
    server.admin().get(WHOAMI).await.assert_ok();
    let dir = server.stop().await;
    Server::start(options(&dir)).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "files of the test")]
#[tokio::test]
async fn loose_modes_are_refused_with_the_command_that_repairs_them() {
    let (mut dir, key) = stopped().await;
    let data = data_dir(&dir);
    for name in ["server.yaml", "honeyhive.db-wal", "honeyhive.db-shm"] {
        fs::write(data.join(name), "").unwrap();
        fs::set_permissions(data.join(name), Permissions::from_mode(0o600)).unwrap();
    }
    // Other users may read files without secrets.
    fs::set_permissions(data.join("server.yaml"), Permissions::from_mode(0o644)).unwrap();
    let loose = [
        ("pepper", vec![0o640, 0o604, 0o620, 0o602, 0o610]),
        ("honeyhive.db", vec![0o640, 0o606]),
        ("honeyhive.db-wal", vec![0o640, 0o602]),
        ("honeyhive.db-shm", vec![0o604, 0o660]),
        ("lock", vec![0o644]),
        ("server.yaml", vec![0o664, 0o646]),
        ("", vec![0o750, 0o705, 0o701, 0o720, 0o777]),
    ];
    for (name, modes) in loose {
        for mode in modes {
            let path = data.join(name);
            let path = if name.is_empty() { &data } else { &path };
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            let Err(error) = Server::start(options(&dir)).await else {
                panic!("started with {name} {mode:o}");
            };
            let message = error.to_line();
            let (problem, command) = message.split_once("; run `").unwrap();
            let command = command.strip_suffix('`').unwrap();
            assert!(
                problem.starts_with(path.to_str().unwrap()) && problem.ends_with("by other users"),
                "{message}"
            );
            let ran = Command::new("sh").args(["-c", command]).status().unwrap();
            assert!(ran.success(), "{command}");
            dir = works(dir, &key).await;
            for name in ["honeyhive.db-wal", "honeyhive.db-shm"] {
                write_private(&data.join(name), b"", Replace::Yes).unwrap();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a file of the test")]
#[tokio::test]
async fn files_of_other_users_are_refused() {
    let (dir, key) = stopped().await;
    let data = data_dir(&dir);
    fs::write(data.join("server.yaml"), "").unwrap();
    for name in ["", "pepper", "honeyhive.db", "lock", "server.yaml"] {
        let path = data.join(name);
        if chown(&path, Some(1), None).is_err() {
            println!("skipped: only root can change the owner of a file");
            return;
        }
        let Err(error) = Server::start(options(&dir)).await else {
            panic!("started with {name} of another user");
        };
        let message = error.to_line();
        assert!(
            message.contains("belongs to another user (id 1, not 0); run the command without sudo")
        );
        chown(&path, Some(0), None).unwrap();
    }
    works(dir, &key).await;
}

#[tokio::test]
async fn named_pipes_and_links_in_the_directory_are_refused_at_once() {
    let (dir, key) = stopped().await;
    let data = data_dir(&dir);
    for name in [
        "server.yaml",
        "pepper",
        "honeyhive.db",
        "honeyhive.db-wal",
        "honeyhive.db-shm",
        "lock",
    ] {
        let (path, kept) = (data.join(name), data.join("kept"));
        let is_moved = fs::rename(&path, &kept).is_ok();
        let made = Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let Err(error) = within(Server::start(options(&dir))).await else {
            panic!("started with a pipe as {name}");
        };
        assert!(
            error.to_string().contains("is not a regular file"),
            "{error}"
        );
        fs::remove_file(&path).unwrap();
        if name != "server.yaml" {
            symlink(&kept, &path).unwrap();
            let Err(error) = within(Server::start(options(&dir))).await else {
                panic!("started with a link as {name}");
            };
            assert!(error.to_string().contains("is a symbolic link"), "{error}");
            fs::remove_file(&path).unwrap();
        }
        if is_moved {
            fs::rename(&kept, &path).unwrap();
        }
    }
    works(dir, &key).await;
}

#[tokio::test]
async fn a_server_yaml_without_an_end_is_refused() {
    let (dir, _) = stopped().await;
    let path = data_dir(&dir).join("server.yaml");
    for device in ["/dev/zero", "/dev/null"] {
        symlink(device, &path).unwrap();
        refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
        fs::remove_file(&path).unwrap();
    }
    write_private(&path, "# \n".repeat(30_000).as_bytes(), Replace::No).unwrap();
    let message = refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
    insta::assert_snapshot!(message, @"DIR/server.yaml is larger than 65536 bytes");
}

#[tokio::test]
async fn a_pepper_that_is_not_strictly_hexadecimal_is_damaged() {
    let (dir, key) = stopped().await;
    let path = data_dir(&dir).join("pepper");
    let kept = fs::read_to_string(&path).unwrap();
    let digits = kept.trim_end().strip_prefix("1 ").unwrap();
    let signs = format!("1 {}", "+f".repeat(32));
    for text in [
        signs.as_str(),
        &format!("+1 {digits}"),
        &format!("01 {digits}"),
        &format!("1  {digits}"),
        &format!("1 {digits}0"),
        &format!("1 {digits}00"),
        &format!("1 {}", &digits[1..]),
        &format!("1 0x{}", &digits[2..]),
        digits,
        "",
    ] {
        write_private(&path, text.as_bytes(), Replace::Yes).unwrap();
        let message = refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(message, @"DIR/pepper is damaged, and no API key can be verified without it; restore it from your backup");
        }
    }
    write_private(&path, kept.to_uppercase().as_bytes(), Replace::Yes).unwrap();
    works(dir, &key).await;
}

#[tokio::test]
async fn the_pepper_of_another_database_is_refused() {
    let ((dir, key), (other, _)) = (stopped().await, stopped().await);
    let pepper = data_dir(&dir).join("pepper");
    let own = fs::read(&pepper).unwrap();
    let foreign = fs::read(data_dir(&other).join("pepper")).unwrap();
    let put = |bytes: &[u8]| write_private(&pepper, bytes, Replace::Yes).unwrap();
    put(&foreign);
    let message = refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
    insta::assert_snapshot!(message, @"DIR/pepper does not belong to DIR/honeyhive.db, so every key would be rejected; restore the pepper and the database from the same backup");
    put(&own);

    // A database without a check value does not store one before a key is verified with the pepper.
    let database = Connection::open(data_dir(&dir).join("honeyhive.db")).unwrap();
    let deleted = database.execute("DELETE FROM meta WHERE name = 'pepper_check'", []);
    assert_eq!(deleted.unwrap(), 1);
    drop(database);
    put(&foreign);
    let server = TestServer::run(
        Server::start(options(&dir)).await.unwrap(),
        dir,
        key.clone(),
    );
    server.admin().get(WHOAMI).await.assert_problem(401);
    let dir = server.stop().await;
    put(&own);
    let dir = works(dir, &key).await;
    put(&foreign);
    refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
    put(&own);
    works(dir, &key).await;
}

#[tokio::test]
async fn a_lost_database_is_replaced_by_an_empty_one_only_on_request() {
    for what in ["is missing", "is empty", "contains no data"] {
        let (dir, key) = stopped().await;
        let data = data_dir(&dir);
        let database = data.join("honeyhive.db");
        let pepper = fs::read(data.join("pepper")).unwrap();
        fs::remove_file(&database).unwrap();
        if what != "is missing" {
            write_private(&database, b"", Replace::No).unwrap();
        }
        if what == "contains no data" {
            let other = Connection::open(&database).unwrap();
            other.execute_batch("CREATE TABLE other (x)").unwrap();
        } else {
            // SQLite deletes the log of an empty database, but the log may contain data to restore.
            write_private(&data.join("honeyhive.db-wal"), b"log", Replace::No).unwrap();
        }
        let message = refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
        assert_eq!(
            message,
            format!(
                "the database DIR/honeyhive.db {what}, although this directory contained one before; restore it from a backup, or create an empty one with --new-database"
            )
        );
        if what != "contains no data" {
            assert_eq!(fs::read(data.join("honeyhive.db-wal")).unwrap(), b"log");
        }
        let asked = options(&dir).with_new_database(true);
        let mut server = Server::start(asked).await.unwrap();
        let Some(FirstKey::Show { key: new, .. }) = server.take_first_key() else {
            panic!("the first start returned no key");
        };
        let server = TestServer::run(server, dir, text_of(&new));
        server.client(&key).get(WHOAMI).await.assert_problem(401);
        server.admin().get(WHOAMI).await.assert_ok();
        let dir = server.stop().await;
        assert_eq!(fs::read(data.join("pepper")).unwrap(), pepper);
        works(dir, &text_of(&new)).await;
    }
}

#[tokio::test]
async fn a_request_for_a_new_database_deletes_none() {
    let (dir, key) = stopped().await;
    let asked = options(&dir).with_new_database(true);
    let mut server = Server::start(asked).await.unwrap();
    assert!(server.take_first_key().is_none());
    drop(server);
    works(dir, &key).await;
}

/// A first start writes `pepper.new` and then the database, and then renames `pepper.new`. It can be killed in between.
#[expect(clippy::disallowed_methods, reason = "a file of the test")]
#[tokio::test]
async fn a_first_start_that_was_interrupted_is_repeated() {
    for left in ["no database", "an empty file", "tables"] {
        let (dir, _) = stopped().await;
        let data = data_dir(&dir);
        fs::rename(data.join("pepper"), data.join("pepper.new")).unwrap();
        let database = data.join("honeyhive.db");
        match left {
            "no database" => fs::remove_file(&database).unwrap(),
            "an empty file" => fs::write(&database, "").unwrap(),
            _ => {
                let database = Connection::open(&database).unwrap();
                let sql = "DELETE FROM api_keys; DELETE FROM owners; DELETE FROM projects; DELETE FROM meta";
                database.execute_batch(sql).unwrap();
            }
        }
        let mut server = Server::start(options(&dir)).await.unwrap();
        let Some(FirstKey::Show { key, .. }) = server.take_first_key() else {
            panic!("{left}: the first start returned no key");
        };
        drop(server);
        assert!(!data.join("pepper.new").exists());
        works(dir, &text_of(&key)).await;
    }
    // This start was interrupted before the rename: the key was stored and written to its file already.
    let (dir, key) = stopped().await;
    let data = data_dir(&dir);
    fs::rename(data.join("pepper"), data.join("pepper.new")).unwrap();
    let dir = works(dir, &key).await;
    assert!(data.join("pepper").exists() && !data.join("pepper.new").exists());
    fs::remove_file(data.join("honeyhive.db")).unwrap();
    refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
}

#[tokio::test]
async fn a_directory_instead_of_the_reserve_file_is_refused_with_its_reason() {
    let (dir, key) = stopped().await;
    let reserve = data_dir(&dir).join("reserve");
    fs::remove_file(&reserve).unwrap();
    create_private_dir(&reserve).unwrap();
    let message = refusal(options(&dir), &dir, StartErrorKind::DataDir).await;
    assert_eq!(
        message,
        "DIR/reserve is not a regular file; move it out of the directory"
    );
    fs::remove_dir(&reserve).unwrap();
    let dir = works(dir, &key).await;
    assert!(reserve.is_file());
    // An incomplete file, which a crash can leave, is replaced.
    write_private(&reserve, b"part", Replace::Yes).unwrap();
    drop(works(dir, &key).await);
}

/// Overwrites a part of a file.
fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let server = TestServer::start().await;
    let key = server.first_key().to_owned();
    for number in 0..200 {
        let text = "text ".repeat(500);
        let session = json!({"session_name": number.to_string(), "inputs": {"text": text}});
        let body = json!({"session": session});
        server
            .admin()
            .post("/session/start", &body)
            .await
            .assert_ok();
    }
    let mut dir = server.stop().await;
    let database = data_dir(&dir).join("honeyhive.db");
    let whole = fs::read(&database).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 100, "{pages}");
    let noise: Vec<u8> = (0..4096_u32).map(|at| (at * 31 % 251) as u8).collect();
    // Each case damages a page or its header, exchanges pages, or truncates the file.
    let middle = (pages / 2 * 4096) as u64;
    let faults: [&dyn Fn(); 6] = [
        &|| overwrite(&database, middle, &noise),
        &|| overwrite(&database, middle, &[0; 4096]),
        &|| overwrite(&database, middle, &whole[4096..8192]),
        &|| overwrite(&database, 4096 * 4, &[0xff; 8]),
        &|| overwrite(&database, 100, &[0; 100]),
        &|| {
            let file = File::options().write(true).open(&database).unwrap();
            file.set_len(middle).unwrap();
        },
    ];
    for (number, damage) in faults.into_iter().enumerate() {
        damage();
        let before = fs::read(&database).unwrap();
        let message = refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
        assert!(
            message.starts_with("cannot open DIR/honeyhive.db: ")
                && message.ends_with(
                    "; restore it from a backup, or move it away and start with --new-database"
                )
                && !message.contains('\n'),
            "{number}: {message}"
        );
        assert!(fs::read(&database).unwrap() == before, "{number}");
        write_private(&database, &whole, Replace::Yes).unwrap();
        dir = works(dir, &key).await;
        // The use of the key has changed the file.
        write_private(&database, &whole, Replace::Yes).unwrap();
    }
}

#[tokio::test]
async fn the_reserve_is_private_and_occupies_its_space() {
    use std::os::unix::fs::MetadataExt as _;

    let (dir, key) = stopped().await;
    let path = data_dir(&dir).join("reserve");
    let check = || {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.len(), 1024 * 1024);
        assert!(
            metadata.blocks() * 512 >= metadata.len(),
            "the file is sparse"
        );
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let mut bytes = Vec::new();
        File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(bytes.iter().any(|byte| *byte != 0));
    };
    check();
    // This simulates a crash that leaves an incomplete file.
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1000)
        .unwrap();
    let dir = works(dir, &key).await;
    check();
    fs::remove_file(&path).unwrap();
    let _dir = works(dir, &key).await;
    check();
}

#[tokio::test]
async fn a_directory_that_the_user_created_is_used_if_it_is_private() {
    let dir = tempfile::tempdir().unwrap();
    create_private_dir(&data_dir(&dir)).unwrap();
    Server::start(options(&dir)).await.unwrap();
}
