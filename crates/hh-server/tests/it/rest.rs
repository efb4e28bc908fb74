//! Tests the contents of the data directory.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hh_auth::private_file::{Replace, create_private_dir, write_private};
use hh_auth::{ApiKey, Level, mint};
use hh_server::{FirstKey, Server, ServerOptions, StartErrorKind, parse_bind};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::spans::{SESSION, encode, in_session, label, span};
use super::support::{TestServer, data_dir, options, text_of};

const WINDOW: usize = 10;

/// Returns all windows of the secret part of a key: the text after the prefix or, in a key with an id, after the id.
fn windows(key: &str) -> Vec<Vec<u8>> {
    let parsed = ApiKey::parse(key).unwrap();
    let tail = &key[parsed.kind().prefix().len()..];
    let secret = match parsed.key_id() {
        Some(id) => &tail[id.len() + 1..],
        None => tail,
    };
    secret
        .as_bytes()
        .windows(WINDOW)
        .map(<[u8]>::to_vec)
        .collect()
}

/// Returns the names of the files in a directory tree that contain one of the windows.
fn search(dir: &Path, windows: &HashSet<Vec<u8>>) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            hits.extend(search(&path, windows));
        } else if let bytes = fs::read(&path).unwrap()
            && bytes.windows(WINDOW).any(|window| windows.contains(window))
        {
            hits.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    hits
}

#[tokio::test]
async fn no_part_of_a_key_is_in_the_data_directory() {
    let server = TestServer::start().await;
    let mut keys = vec![
        server.first_key().to_owned(),
        text_of(&mint(Level::Admin).unwrap().key),
    ];
    for level in Level::ALL {
        keys.push(server.mint(level, "all").await.1);
    }
    let mut wrong = server.first_key().to_owned();
    wrong.pop();
    wrong.push('~');
    keys.push(wrong);
    for key in &keys {
        let client = server.client(key);
        client.get("/v1/auth/whoami").await;
        client.get("/v1/projects").await;
        client
            .post("/session/start", &json!({"session": {"session_name": "s"}}))
            .await;
        client.export(&encode(vec![in_session(1, SESSION)])).await;
        client
            .post("/v1/events/export", &json!({"filters": 1}))
            .await;
        client.post("/v1/api_keys", &json!({"name": "bad"})).await;
    }
    let needles: HashSet<_> = keys.iter().flat_map(|key| windows(key)).collect();
    let dir = server.data_dir();

    // The search detects any ten characters of a key in a file.
    for key in &keys {
        let middle = windows(key).swap_remove(17);
        let planted = [b"before ", &middle[..], b" after"].concat();
        write_private(&dir.join("planted"), &planted, Replace::Yes).unwrap();
        assert_eq!(search(&dir, &needles), ["planted"]);
    }
    fs::remove_file(dir.join("planted")).unwrap();

    assert!(
        dir.join("honeyhive.db-wal").exists(),
        "the log does not exist, so it would not be searched"
    );
    assert_eq!(search(&dir, &needles), [""; 0]);
    let kept = server.stop().await;
    assert_eq!(search(&data_dir(&kept), &needles), [""; 0]);
}

#[tokio::test]
async fn the_data_directory_and_its_files_are_private() {
    let server = TestServer::start().await;
    server
        .admin()
        .export(&encode(vec![span(1, None, vec![])]))
        .await;
    server.admin().events(&json!({})).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = server.data_dir();
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        // The lock file is empty.
        if path.file_name().unwrap() != "lock" {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
    for name in ["pepper", "honeyhive.db"] {
        assert!(dir.join(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn a_second_server_in_a_data_directory_is_refused() {
    let server = TestServer::start().await;
    let Err(error) = Server::start(options(server.dir())).await else {
        panic!("two servers in one directory");
    };
    assert_eq!(error.kind(), StartErrorKind::DataDir);
    let message = error
        .to_string()
        .replace(server.data_dir().to_str().unwrap(), "DIR");
    insta::assert_snapshot!(message, @"another server uses the data directory DIR");
    server.admin().get("/v1/auth/whoami").await.assert_ok();
    // The directory is free after the first server has stopped.
    let dir = server.stop().await;
    Server::start(options(&dir)).await.unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_leaves_no_data_directory_behind() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let taken = options(&dir).with_bind(server.anonymous().address());
    let Err(error) = Server::start(taken).await else {
        panic!("two servers on one port");
    };
    assert_eq!(error.kind(), StartErrorKind::Address);
    assert!(!data_dir(&dir).exists());
}

#[tokio::test]
async fn reopening_keeps_keys_projects_and_events_and_shows_no_second_key() {
    let server = TestServer::start().await;
    server.project("p").await;
    let (id, revoked) = server.mint(Level::Admin, "all").await;
    server
        .admin()
        .delete(&format!("/v1/api_keys/{id}"))
        .await
        .assert_ok();
    let labels = vec![
        label("honeyhive.project", "p"),
        label("honeyhive.session_id", SESSION),
    ];
    server
        .admin()
        .export(&encode(vec![span(1, None, labels)]))
        .await
        .assert_ok_empty();
    let read = json!({"project": "p"});
    let events = server.admin().events(&read).await;
    assert_eq!(events["count"], 2);
    // Every request changes the time of the last use of the key.
    let without_use = |mut answer: Value| {
        for pointer in ["/keys/1/last_used_at", "/key/last_used_at"] {
            if let Some(time) = answer.pointer_mut(pointer) {
                *time = Value::Null;
            }
        }
        answer
    };
    let list = "/v1/api_keys?ended=true";
    let keys = without_use(server.admin().get(list).await.assert_ok());
    let whoami = without_use(server.admin().get("/v1/auth/whoami").await.assert_ok());
    let key = server.first_key().to_owned();
    let dir = server.stop().await;

    let mut again = Server::start(options(&dir).with_organization("Other"))
        .await
        .unwrap();
    assert!(again.take_first_key().is_none());
    let server = TestServer::run(again, dir, key);
    assert_eq!(server.admin().events(&read).await, events);
    let again = server.admin().get(list).await.assert_ok();
    assert_eq!(without_use(again), keys);
    let again = server.admin().get("/v1/auth/whoami").await.assert_ok();
    assert_eq!(without_use(again), whoami);
    server
        .client(&revoked)
        .get("/v1/auth/whoami")
        .await
        .assert_problem(401);
}

#[tokio::test]
async fn the_first_key_is_written_to_a_private_file_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.key");
    let asked = options(&dir)
        .with_admin_key_file(path.clone())
        .with_admin("root@example.com");
    let mut server = Server::start(asked).await.unwrap();
    assert!(
        matches!(server.take_first_key(), Some(FirstKey::InFile { path: file, .. }) if file == path)
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let key = fs::read_to_string(&path).unwrap();
    let server = TestServer::run(server, dir, key.trim_end().to_owned());
    let whoami = server.admin().get("/v1/auth/whoami").await.assert_ok();
    assert_eq!(
        whoami["principal"],
        json!({"type": "user", "name": "root@example.com"})
    );
    assert_eq!(whoami["permissions"], "Admin");
}

#[tokio::test]
async fn a_key_file_that_exists_is_left_alone_and_the_next_start_is_a_first_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.key");
    write_private(&path, b"mine", Replace::No).unwrap();
    let asked = options(&dir).with_admin_key_file(path.clone());
    let Err(error) = Server::start(asked).await else {
        panic!("the file was overwritten");
    };
    assert_eq!(error.kind(), StartErrorKind::AdminKeyFile);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    let mut server = Server::start(options(&dir)).await.unwrap();
    assert!(matches!(
        server.take_first_key(),
        Some(FirstKey::Show { .. })
    ));
}

#[tokio::test]
async fn without_its_pepper_a_database_does_not_open() {
    let dir = TestServer::start().await.stop().await;
    let pepper = data_dir(&dir).join("pepper");
    let kept = fs::read(&pepper).unwrap();
    for damaged in [None, Some(&b""[..]), Some(b"1 00"), Some(b"1 zz")] {
        fs::remove_file(&pepper).unwrap();
        if let Some(text) = damaged {
            write_private(&pepper, text, Replace::No).unwrap();
        }
        let Err(error) = Server::start(options(&dir)).await else {
            panic!("opened with a wrong pepper");
        };
        assert_eq!(error.kind(), StartErrorKind::Damaged);
        write_private(&pepper, &kept, Replace::Yes).unwrap();
    }
    Server::start(options(&dir)).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a file of the test")]
#[tokio::test]
async fn server_yaml_provides_what_no_option_sets() {
    let dir = tempfile::tempdir().unwrap();
    let file = data_dir(&dir).join("server.yaml");
    create_private_dir(&data_dir(&dir)).unwrap();
    fs::write(&file, "organization: From File\nadmin: file@example.com\n").unwrap();
    let mut server = Server::start(options(&dir).with_admin("option@example.com"))
        .await
        .unwrap();
    let Some(FirstKey::Show { admin, .. }) = server.take_first_key() else {
        panic!("the server started as if the directory were new");
    };
    assert_eq!(admin, "option@example.com");
    drop(server);

    for bind in ["0", ":0", "localhost:0", "'[::1]:0'", "127.0.0.1:0"] {
        fs::write(&file, format!("bind: {bind}\n")).unwrap();
        let server = Server::start(ServerOptions::new(data_dir(&dir))).await;
        let address = server.unwrap().address();
        let is_local = !matches!(bind, ":0");
        assert_eq!(address.ip().is_loopback(), is_local, "{bind}: {address}");
    }
    let rule = parse_bind("nowhere").unwrap_err();
    for bind in [
        "nowhere",
        "65536",
        "-1",
        "1.5",
        "''",
        "[8642]",
        "example.com:80",
    ] {
        fs::write(&file, format!("bind: {bind}\n")).unwrap();
        let message = refusal(options(&dir), &dir, StartErrorKind::Damaged).await;
        assert_eq!(
            message,
            format!("invalid server configuration DIR/server.yaml: invalid bind: {rule}"),
            "{bind}"
        );
    }
    for damaged in ["organizations: typo\n", "bind: [\n", "bind: nowhere\n"] {
        fs::write(&file, damaged).unwrap();
        let Err(error) = Server::start(options(&dir)).await else {
            panic!("started with {damaged}");
        };
        assert_eq!(error.kind(), StartErrorKind::Damaged);
        assert!(
            error.to_string().contains("invalid server configuration"),
            "{error}"
        );
    }
}

/// Returns the error of a failed start, with DIR instead of the data directory.
pub(crate) async fn refusal(options: ServerOptions, dir: &TempDir, kind: StartErrorKind) -> String {
    let Err(error) = Server::start(options).await else {
        panic!("started");
    };
    assert_eq!(error.kind(), kind);
    let dir = data_dir(dir);
    error.to_line().replace(dir.to_str().unwrap(), "DIR")
}

#[expect(clippy::disallowed_methods, reason = "a file of the test")]
#[tokio::test]
async fn invalid_names_are_rejected_before_anything_is_created() {
    let dir = tempfile::tempdir().unwrap();
    let (longest, longer) = ("é".repeat(100), "é".repeat(101));
    let mut messages = Vec::new();
    for name in ["", "a\nb", "\u{1b}[31mred", "\u{2028}", &longer] {
        let options = options(&dir).with_organization(name);
        messages.push(refusal(options, &dir, StartErrorKind::Invalid).await);
    }
    let long = format!("a@{longest}");
    for admin in [
        "",
        "a@b\n",
        "a@b\u{1b}[31m",
        &long,
        "root",
        "@",
        "@b",
        "a@",
        "a@b@c",
        "a b@c",
    ] {
        let options = options(&dir).with_admin(admin);
        messages.push(refusal(options, &dir, StartErrorKind::Invalid).await);
    }
    messages.dedup();
    insta::assert_snapshot!(messages.join("\n"), @r"
    invalid organization: expected 1 to 100 characters on one line; set it with --organization or in server.yaml
    invalid admin: expected 1 to 100 visible characters, single spaces between words and no space at either end; set it with --admin or in server.yaml
    invalid admin: expected an e-mail address; set it with --admin or in server.yaml
    ");
    assert!(!data_dir(&dir).exists());

    // The same rules apply to the values in the file.
    create_private_dir(&data_dir(&dir)).unwrap();
    let file = data_dir(&dir).join("server.yaml");
    fs::write(&file, "admin: root\n").unwrap();
    refusal(options(&dir), &dir, StartErrorKind::Invalid).await;
    assert_eq!(fs::read_dir(data_dir(&dir)).unwrap().count(), 1);
    let whole = options(&dir)
        .with_admin("a@b")
        .with_organization(longest.as_str());
    Server::start(whole).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a file of the test")]
#[tokio::test]
async fn a_data_directory_that_is_a_file_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(data_dir(&dir), "mine").unwrap();
    let message = refusal(options(&dir), &dir, StartErrorKind::DataDir).await;
    insta::assert_snapshot!(message, @"cannot use the data directory DIR: it is not a directory; choose another directory with --data-dir");
    assert_eq!(fs::read(data_dir(&dir)).unwrap(), b"mine");
}

#[tokio::test]
async fn a_pepper_that_is_a_link_to_nothing_is_not_one_to_restore() {
    let dir = tempfile::tempdir().unwrap();
    create_private_dir(&data_dir(&dir)).unwrap();
    // The target of the link does not exist, and the server must not replace the link.
    std::os::unix::fs::symlink("nowhere", data_dir(&dir).join("pepper")).unwrap();
    let message = refusal(options(&dir), &dir, StartErrorKind::DataDir).await;
    insta::assert_snapshot!(message, @"DIR/pepper is a symbolic link, which is not followed; replace it with the file itself");
    assert!(!data_dir(&dir).join("honeyhive.db").exists());
}

#[expect(clippy::disallowed_methods, reason = "a file of the test")]
#[tokio::test]
async fn an_invalid_database_file_is_named() {
    // A stopped server has copied the log into the file. SQLite could repair the file from a remaining log.
    let dir = TestServer::start().await.stop().await;
    fs::write(data_dir(&dir).join("honeyhive.db"), [7; 8192]).unwrap();
    let Err(error) = Server::start(options(&dir)).await else {
        panic!("started");
    };
    assert_eq!(error.kind(), StartErrorKind::Damaged);
}
