//! `honeyhive api`: paths, and responses of any form in every output format.

use hh_testing::{HttpServer, response};

use crate::support::TestEnv;

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// Runs `honeyhive api GET PATH` with options against a server that returns `body`.
fn get(body: &'static str, options: &[&str]) -> String {
    let server =
        HttpServer::with(move |_| response("200 OK", "content-type: application/json\r\n", body));
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", server.url());
    env.seen(&[&["api", "GET", "/v1/things"], options].concat())
}

#[test]
fn the_elements_of_an_array_are_rows() {
    const LIST: &str = r#"[{"id": 1, "name": "a"}, {"id": 2, "name": "b,c"}]"#;
    insta::assert_snapshot!(get(LIST, &["-o", "csv"]), @r#"
    id,name
    1,a
    2,"b,c"
    exit 0
    "#);
    insta::assert_snapshot!(get(LIST, &["-o", "jsonl"]), @r#"
    {"id":1,"name":"a"}
    {"id":2,"name":"b,c"}
    exit 0
    "#);
    insta::assert_snapshot!(get(LIST, &["--json", "id"]), @r#"
    [
      {
        "id": 1
      },
      {
        "id": 2
      }
    ]
    exit 0
    "#);
    insta::assert_snapshot!(get(LIST, &["--json", "name", "-o", "csv"]), @r#"
    name
    a
    "b,c"
    exit 0
    "#);
    insta::assert_snapshot!(get(LIST, &["--json", "size"]), @"
    ! error: invalid value for --json: unknown field size
    ! | hint: use some of these fields: id, name
    exit 2
    ");
    insta::assert_snapshot!(get("[]", &["--json", "id"]), @"
    []
    exit 0
    ");
    insta::assert_snapshot!(get("7", &["--json", "id"]), @"
    ! error: --json selects fields, but the result is not an object
    exit 2
    ");
    insta::assert_snapshot!(get("7", &["-o", "jsonl"]), @"
    7
    exit 0
    ");
}

#[test]
fn a_path_stays_below_the_base_url() {
    let server =
        HttpServer::with(|_| response("200 OK", "content-type: application/json\r\n", "{}"));
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env.set("HH_BASE_URL", &format!("{}/below", server.url()));
    for path in [
        "/v1/../../other",
        "/%2e%2e/other",
        "/.%2E/other",
        r"/a\..\..\other",
        "https://example.com/v1",
        "//example.com/v1/%2e%2e",
    ] {
        let done = env.run(&["api", "GET", path]);
        assert_eq!(done.code, 2, "{path}: {done:?}");
    }
    for path in ["/v1/a..b", "/v1?next=https://example.com/..", "v1/%2e/a"] {
        let done = env.run(&["api", "GET", path]);
        assert_eq!(done.code, 0, "{path}: {done:?}");
    }
    let requests = server.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.path().starts_with("/below/"))
    );
    assert_eq!(requests.len(), 3);
}

#[test]
fn the_fields_of_a_report_can_be_selected_in_every_format() {
    let env = TestEnv::new();
    env.write("a", "nothing");
    let run = |options: &[&str]| env.seen(&[&["auth", "scan", "a"], options].concat());
    insta::assert_snapshot!(run(&["--json", "files,omitted"]), @r#"
    {
      "files": 1,
      "omitted": 0
    }
    ! No API keys found in 1 file
    exit 0
    "#);
    insta::assert_snapshot!(run(&["--json", "files,omitted", "-o", "csv"]), @"
    files,omitted
    1,0
    ! No API keys found in 1 file
    exit 0
    ");
    insta::assert_snapshot!(run(&["--json", "files", "-o", "jsonl"]), @r#"
    {"files":1}
    ! No API keys found in 1 file
    exit 0
    "#);
}
