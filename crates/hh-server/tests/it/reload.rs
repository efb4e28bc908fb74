//! Tests that a running server reads its configuration file again.

use hh_auth::Level;
use hh_server::{FirstKey, Server};
use hh_testing::write;
use serde_json::json;

use super::support::{TestServer, data_dir, options, text_of};

#[tokio::test]
async fn a_reload_applies_the_limit_of_rotations_and_an_invalid_file_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = data_dir(&dir).join("server.yaml");
    let mut server = Server::start(options(&dir)).await.unwrap();
    let Some(FirstKey::Show { key, .. }) = server.take_first_key() else {
        panic!("the first start returned no key");
    };
    let reloader = server.reloader();
    let server = TestServer::run(server, dir, text_of(&key));
    let (id, _) = server.mint(Level::ReadOnly, "all").await;
    let path = format!("/v1/api_keys/{id}/rotate");
    let rotate = async || server.admin().post(&path, &json!({})).await.status;
    assert_eq!((rotate().await, rotate().await), (200, 200));
    for (content, status) in [
        ("max_rotations_per_hour: 2\n", 429),
        ("max_rotations_per_hour: 3\n", 200),
        ("max_rotations_per_hour: 3\n", 429),
        ("max_rotations_per_hour: 0\n", 429),
        ("max_rotations_per_hour: 100\nbind: nowhere\n", 429),
        ("max_rotations_per_hour: [\n", 429),
        ("bind: 127.0.0.1:1\norganization: Other\n", 200),
    ] {
        write(&file, content);
        reloader.reload();
        assert_eq!(rotate().await, status, "{content}");
    }
    write(&file, "max_rotations_per_hour: 4\n");
    reloader.reload();
    assert_eq!(rotate().await, 429);
    // Without the file, the default applies.
    std::fs::remove_file(&file).unwrap();
    reloader.reload();
    assert_eq!(rotate().await, 200);
}
