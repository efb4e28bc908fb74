//! The list of keys, page by page.

use hh_auth::Level;
use serde_json::{Value, json};

use super::support::{Client, TestServer, text};

const KEYS: &str = "/v1/api_keys";

fn ids(page: &Value) -> Vec<String> {
    let keys = page["keys"].as_array().unwrap().iter();
    keys.map(|key| text(&key["id"])).collect()
}

/// Reads every page, and returns the ids and the number of pages.
async fn read_all(client: &Client, query: &str) -> (Vec<String>, usize) {
    let (mut all, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = client
            .get(&format!("{KEYS}?{query}{cursor}"))
            .await
            .assert_ok();
        all.extend(ids(&page));
        pages += 1;
        match page.get("next") {
            Some(next) => cursor = format!("&cursor={}", text(next)),
            None => return (all, pages),
        }
    }
}

#[tokio::test]
async fn the_list_of_keys_has_pages() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let mut expected = ids(&admin.get(KEYS).await.assert_ok());
    for _ in 0..104 {
        expected.insert(0, server.mint(Level::ReadOnly, "all").await.0);
    }
    // 105 keys, the latest first.
    for (query, pages) in [
        ("", 2),
        ("limit=1000", 1),
        ("limit=105", 1),
        ("limit=104", 2),
        ("limit=10", 11),
    ] {
        assert_eq!(
            read_all(&admin, query).await,
            (expected.clone(), pages),
            "{query}"
        );
    }
    // A key that is created or revoked meanwhile neither repeats nor hides another.
    let page = admin.get(&format!("{KEYS}?limit=50")).await.assert_ok();
    server.mint(Level::ReadOnly, "all").await;
    let last = &expected[49];
    admin.delete(&format!("{KEYS}/{last}")).await.assert_ok();
    let next = format!("limit=1000&cursor={}", text(&page["next"]));
    assert_eq!(read_all(&admin, &next).await.0, expected[50..]);
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=",
        "cursor=x",
        "cursor=",
        "ended=1",
        "ended=",
    ] {
        admin
            .get(&format!("{KEYS}?{query}"))
            .await
            .assert_problem(400);
    }
}

#[tokio::test]
async fn ended_keys_are_listed_on_request() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let first = ids(&admin.get(KEYS).await.assert_ok());
    let (revoked, _) = server.mint(Level::ReadOnly, "all").await;
    admin.delete(&format!("{KEYS}/{revoked}")).await.assert_ok();
    let (replaced, _) = server.mint(Level::ReadOnly, "all").await;
    let rotate = |id: &str, grace: u32| {
        let (admin, path) = (admin.clone(), format!("{KEYS}/{id}/rotate"));
        async move {
            admin
                .post(&path, &json!({"grace_seconds": grace}))
                .await
                .assert_ok()
        }
    };
    let new = rotate(&replaced, 0).await;
    server
        .client(&text(&new["key"]))
        .get("/v1/auth/whoami")
        .await
        .assert_ok();
    let (in_grace, _) = server.mint(Level::ReadOnly, "all").await;
    let newer = rotate(&in_grace, 600).await;
    server
        .client(&text(&newer["key"]))
        .get("/v1/auth/whoami")
        .await
        .assert_ok();
    let end = (jiff::Timestamp::now() + jiff::SignedDuration::from_millis(200)).to_string();
    let wanted = json!({"name": "n", "level": "read_only", "projects": "all", "expires_at": end});
    let expired = text(&admin.post(KEYS, &wanted).await.assert_ok()["id"]);
    let path = format!("{KEYS}/{expired}");
    while admin.get(&path).await.assert_ok()["state"] != "expired" {}
    let live = [
        text(&newer["id"]),
        in_grace,
        text(&new["id"]),
        first[0].clone(),
    ];
    assert_eq!(ids(&admin.get(KEYS).await.assert_ok()), live);
    assert_eq!(
        ids(&admin.get(&format!("{KEYS}?ended=false")).await.assert_ok()),
        live
    );
    // They do not use up the limit of a page either.
    assert_eq!(read_all(&admin, "limit=2").await, (live.to_vec(), 2));
    let mut all = live.to_vec();
    all.insert(0, expired);
    all.insert(4, replaced);
    all.insert(5, revoked);
    assert_eq!(
        ids(&admin.get(&format!("{KEYS}?ended=true")).await.assert_ok()),
        all
    );
    assert_eq!(read_all(&admin, "ended=true&limit=3").await, (all, 3));
}

#[tokio::test]
async fn a_project_admin_gets_full_pages_of_its_own_keys() {
    let server = TestServer::start().await;
    for name in ["a", "b", "c"] {
        server.project(name).await;
    }
    let (own, key) = server.mint(Level::Admin, json!(["a", "b"])).await;
    let mut expected = vec![own];
    for number in 0..12 {
        for projects in [json!("all"), json!(["c"]), json!(["a", "c"])] {
            server.mint(Level::ReadOnly, projects).await;
        }
        let projects = [json!(["a"]), json!(["b"]), json!(["a", "b"])];
        let (id, _) = server
            .mint(Level::ReadOnly, projects[number % 3].clone())
            .await;
        expected.insert(0, id);
    }
    let local = server.client(&key);
    assert_eq!(read_all(&local, "limit=5").await, (expected.clone(), 3));
    assert_eq!(read_all(&local, "").await, (expected, 1));
}

#[tokio::test]
async fn a_page_of_keys_stays_small_enough_for_every_client() {
    let server = TestServer::start().await;
    let admin = server.admin();
    let note = "\u{1f511}".repeat(500);
    let wanted = json!({
        "name": "\u{1f511}".repeat(100), "level": "read_only", "projects": "all", "note": note,
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..600 {
        let (admin, wanted) = (admin.clone(), wanted.clone());
        tasks.spawn(async move { admin.post(KEYS, &wanted).await.assert_ok() });
    }
    assert_eq!(tasks.join_all().await.len(), 600);
    let page = admin.get(&format!("{KEYS}?limit=1000")).await;
    assert!(page.body.len() < 1024 * 1024 + 8192, "{}", page.body.len());
    let (all, pages) = read_all(&admin, "limit=1000").await;
    assert_eq!(all.len(), 601);
    assert!(pages > 1);
}
