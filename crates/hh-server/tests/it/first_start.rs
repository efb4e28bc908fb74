//! A first start that is killed between writing the admin key to its file and storing it.

use std::fs;
use std::path::PathBuf;

use hh_auth::private_file::{Replace, write_private};
use hh_server::{FirstKey, Server, StartErrorKind};
use rusqlite::Connection;
use tempfile::TempDir;

use super::data_dir::works;
use super::rest::refusal;
use super::support::{data_dir, options};

/// Makes the state after the kill; returns the directory and the key file.
async fn killed() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("admin.key");
    let asked = options(&dir).with_admin_key_file(file.clone());
    drop(Server::start(asked).await.unwrap());
    let data = data_dir(&dir);
    fs::rename(data.join("pepper"), data.join("pepper.new")).unwrap();
    let database = Connection::open(data.join("honeyhive.db")).unwrap();
    database
        .execute_batch(
            "DELETE FROM meta;
             INSERT INTO meta SELECT 'announced_key', lower(hex(digest)) FROM api_keys;
             DELETE FROM api_keys; DELETE FROM owners; DELETE FROM projects;",
        )
        .unwrap();
    (dir, file)
}

#[tokio::test]
async fn the_key_file_of_a_first_start_that_was_killed_is_replaced_by_the_next_one() {
    let (dir, file) = killed().await;
    let unused = fs::read_to_string(&file).unwrap();
    let asked = options(&dir).with_admin_key_file(file.clone());
    let mut server = Server::start(asked).await.unwrap();
    let first = server.take_first_key();
    assert!(matches!(first, Some(FirstKey::InFile { .. })), "{first:?}");
    drop(server);
    let key = fs::read_to_string(&file).unwrap();
    assert!(key != unused);
    let dir = works(dir, key.trim_end()).await;
    let database = Connection::open(data_dir(&dir).join("honeyhive.db")).unwrap();
    let sql = "SELECT count(*) FROM meta WHERE name = 'announced_key'";
    let announced: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(announced, 0);
}

#[tokio::test]
async fn a_key_file_that_is_gone_or_has_another_name_is_no_obstacle() {
    for name in ["admin.key", "other.key"] {
        let (dir, file) = killed().await;
        fs::rename(&file, dir.path().join("moved")).unwrap();
        let file = dir.path().join(name);
        let asked = options(&dir).with_admin_key_file(file.clone());
        drop(Server::start(asked).await.unwrap());
        let key = fs::read_to_string(&file).unwrap();
        works(dir, key.trim_end()).await;
    }
}

/// Another file may be the only copy of the key of another server.
#[tokio::test]
async fn only_the_key_file_of_this_first_start_is_replaced() {
    let (_other, file) = killed().await;
    let other = fs::read(file).unwrap();
    for contents in [&other[..], b"mine", b"", b"\xff"] {
        let (dir, file) = killed().await;
        write_private(&file, contents, Replace::Yes).unwrap();
        let asked = options(&dir).with_admin_key_file(file.clone());
        refusal(asked, &dir, StartErrorKind::AdminKeyFile).await;
        assert!(fs::read(&file).unwrap() == contents);
    }
}
