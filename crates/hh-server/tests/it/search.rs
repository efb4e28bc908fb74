//! Tests filters, ranges, projections and the schema of events through the API.

use serde_json::{Value, json};

use super::support::{Client, TestServer, text};

/// Starts a server with five events of one session.
async fn filled() -> TestServer {
    let server = TestServer::start().await;
    let events = (0..5_i32).map(|number| {
        json!({
            "event_type": if number % 2 == 0 { "model" } else { "tool" },
            "event_name": format!("step {number}"),
            "inputs": {"messages": [{"role": "user", "content": format!("question {number}")}]},
            "metadata": {"cost": 0.25 * f64::from(number), "gen_ai.request.model": "m", "run_id": format!("r{}", number % 2)},
            "error": (number == 3).then_some("failed: timeout"),
            "start_time": 1_704_067_200_000_i64 + i64::from(number) * 1000,
            "duration": 10 * number,
        })
    });
    let batch = json!({
        "events": events.collect::<Vec<_>>(), "single_session": true,
        "session_properties": {"session_name": "overview"},
    });
    server
        .admin()
        .post("/v1/events/batch", &batch)
        .await
        .assert_ok();
    server
}

fn names(list: &Value) -> Vec<String> {
    let events = list["events"].as_array().unwrap().iter();
    events.map(|event| text(&event["event_name"])).collect()
}

async fn find(client: &Client, filter: Value) -> String {
    let names = names(&client.events(&json!({"filters": [filter]})).await);
    let mut names: Vec<_> = names
        .iter()
        .map(|name| name.trim_start_matches("step "))
        .collect();
    names.sort_unstable();
    names.join(" ")
}

#[tokio::test]
async fn events_are_found_by_any_field_and_operator() {
    let server = filled().await;
    let client = server.admin();
    for (field, operator, value, expected) in [
        ("metadata.cost", "greater than", json!(0.25), "2 3 4"),
        ("metadata.cost", "less than", json!(0.25), "0"),
        ("metadata.cost", "is", json!("0.5"), "2"),
        (
            "metadata.gen_ai.request.model",
            "is",
            json!("m"),
            "0 1 2 3 4",
        ),
        (
            "metadata.gen_ai.request.model",
            "exists",
            Value::Null,
            "0 1 2 3 4",
        ),
        (
            "metadata.gen_ai.request.model",
            "not exists",
            Value::Null,
            "overview",
        ),
        ("inputs.messages.0.content", "contains", json!("3"), "3"),
        ("inputs.messages.role", "is", json!("user"), "0 1 2 3 4"),
        ("error", "exists", Value::Null, "3"),
        ("error", "is not", Value::Null, "3"),
        ("error", "contains", json!("timeout"), "3"),
        ("event_name", "not contains", json!("step"), "overview"),
        ("event_type", "is not", json!("tool"), "0 2 4 overview"),
        ("duration", "greater than", json!(25), "3 4 overview"),
        ("start_time", "after", json!("2024-01-01T00:00:03Z"), "4"),
        (
            "start_time",
            "before",
            json!(1_704_067_201_000_i64),
            "0 overview",
        ),
        ("metadata.run_id", "is", json!("r1"), "1 3"),
    ] {
        let filter = json!({"field": field, "operator": operator, "value": value});
        assert_eq!(
            find(&client, filter).await,
            expected,
            "{field} {operator} {value}"
        );
    }
    let unknown = json!({"filters": [{"field": "cost", "operator": "like", "value": 1}]});
    let message = client
        .post("/v1/events/export", &unknown)
        .await
        .assert_problem(400);
    assert!(
        message.contains("operator must be one of \"exists\""),
        "{message}"
    );
}

#[tokio::test]
async fn every_route_of_reading_returns_the_same_events() {
    let server = filled().await;
    let client = server.admin();
    let filters = json!([{"field": "metadata.cost", "operator": "greater than", "value": 0.25, "type": "number"}]);
    let expected = ["step 4", "step 3", "step 2"];
    let all = client.events(&json!({})).await;
    let project = text(&all["events"][0]["project_id"]);
    let wanted = json!({"filters": filters, "limit": 10, "page": 1, "ignore_order": true});
    for path in [
        "/v1/events/export".to_owned(),
        "/events/export".to_owned(),
        "/v1/events/search".to_owned(),
        format!("/v1/projects/{project}/events/search"),
    ] {
        let list = client.post(&path, &wanted).await.assert_ok();
        assert_eq!(names(&list), expected, "{path}");
        assert_eq!(
            (&list["count"], &list["totalEvents"]),
            (&json!(3), &json!(3))
        );
    }
    let too_many = json!({"limit": 1001});
    client
        .post("/v1/events/search", &too_many)
        .await
        .assert_problem(400);
    client
        .post("/v1/events/export", &too_many)
        .await
        .assert_ok();
    let run = client.events(&json!({"evaluation_id": "r1"})).await;
    assert_eq!(names(&run), ["step 3", "step 1"]);
}

#[tokio::test]
async fn a_range_of_times_limits_the_events() {
    let server = filled().await;
    let client = server.admin();
    let range = json!({"start_time": "2024-01-01T00:00:01Z", "end_time": "2024-01-01T00:00:02Z"});
    let found = client
        .post("/v1/events/search", &json!({"dateRange": range}))
        .await
        .assert_ok();
    assert_eq!(names(&found), ["step 2", "step 1"]);
    let range = json!({"$gt": 1_704_067_202_000_i64, "$lt": "2024-01-01T00:00:04"});
    let found = client
        .events(&json!({"dateRange": range, "filters": null}))
        .await;
    assert_eq!(names(&found), ["step 3"]);
    let message = client
        .post("/v1/events/export", &json!({"dateRange": {"from": 1}}))
        .await
        .assert_problem(400);
    assert!(message.contains("$gte"), "{message}");
}

#[tokio::test]
async fn pages_of_filtered_events_have_every_event_once() {
    let server = filled().await;
    let client = server.admin();
    let filters = json!([{"field": "metadata.cost", "operator": "exists"}]);
    let mut found = Vec::new();
    for page in 1..=3 {
        let list = client
            .events(&json!({"filters": filters, "limit": 2, "page": page}))
            .await;
        assert_eq!(list["count"], 5);
        found.extend(names(&list));
    }
    assert_eq!(found, ["step 4", "step 3", "step 2", "step 1", "step 0"]);
    let beyond = client
        .events(&json!({"filters": filters, "limit": 2, "page": 4}))
        .await;
    assert_eq!((names(&beyond).len(), &beyond["count"]), (0, &json!(5)));
}

#[tokio::test]
async fn projections_select_members() {
    let server = filled().await;
    let client = server.admin();
    let wanted = json!({
        "filters": [{"field": "event_name", "operator": "is", "value": "step 3"}],
        "projections": ["event_name", "metadata.cost", "metadata.gen_ai.request.model", "outputs.none"],
    });
    let list = client.events(&wanted).await;
    assert_eq!(
        list["events"],
        json!([{"event_name": "step 3", "metadata": {"cost": 0.75, "gen_ai.request.model": "m"}, "outputs": {}}])
    );
    assert_eq!(list["count"], 1);
}

#[tokio::test]
async fn the_schema_lists_the_fields_of_events() {
    let server = filled().await;
    let client = server.admin();
    let fields = |schema: &Value| -> Vec<String> {
        let fields = schema["fields"].as_array().unwrap().iter();
        let of_tools = fields.filter(|field| field["event_type"] == "tool");
        of_tools.map(|field| text(&field["name"])).collect()
    };
    let schema = client.get("/v1/events/schema").await.assert_ok();
    assert_eq!(
        (&schema["datasets"], &schema["mappings"]),
        (&json!([]), &json!({}))
    );
    let all = fields(&schema);
    for name in [
        "event_id",
        "error",
        "metadata.cost",
        "metadata.gen_ai.request.model",
        "inputs.messages",
    ] {
        assert!(all.iter().any(|field| field == name), "{name}: {all:?}");
    }
    // The Python client sends its notation of a dictionary.
    let range =
        "%7B%27%24gte%27%3A+%272024-01-01%27%2C+%27%24lte%27%3A+%272024-01-01T00%3A00%3A00%27%7D";
    let path = format!("/v1/events/schema?dateRange={range}");
    assert_eq!(fields(&client.get(&path).await.assert_ok()), [""; 0]);
    let of_run = client
        .get("/v1/events/schema?evaluation_id=r0")
        .await
        .assert_ok();
    assert_eq!(fields(&of_run), [""; 0]);
}

#[tokio::test]
async fn cursors_lead_through_all_events_while_others_are_stored() {
    let server = filled().await;
    let client = server.admin();
    for path in ["/v1/events/export", "/v1/events/search"] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let query = json!({
                "limit": 2, "cursor": cursor,
                "filters": [{"field": "event_name", "operator": "contains", "value": "step"}],
            });
            let page = client.post(path, &query).await.assert_ok();
            found.extend(names(&page));
            let Some(next) = page["next"].as_str() else {
                break;
            };
            cursor = next.to_owned();
            // It starts later, so it would move the pages by number.
            let event = json!({"event_type": "tool", "event_name": "step late", "inputs": {}});
            client.post("/v1/events", &event).await.assert_ok();
        }
        found.retain(|name| name != "step late");
        assert_eq!(
            found,
            ["step 4", "step 3", "step 2", "step 1", "step 0"],
            "{path}"
        );
    }
    for (query, expected) in [
        (
            json!({"cursor": "xyz"}),
            "cursor must be the `next` of a page, or empty",
        ),
        (
            json!({"cursor": "", "page": 1}),
            "a request has either a page or a cursor",
        ),
    ] {
        let refused = client.post("/v1/events/export", &query).await;
        assert_eq!(refused.assert_problem(400), expected);
    }
}

#[tokio::test]
async fn totals_say_whether_they_are_exact() {
    let server = filled().await;
    let client = server.admin();
    for filters in [
        json!([]),
        json!([{"field": "metadata.run_id", "operator": "is", "value": "r0"}]),
    ] {
        let page = client
            .events(&json!({"limit": 1, "filters": filters}))
            .await;
        assert_eq!(page.get("total_is_exact"), None, "{page}");
        assert_eq!(
            page["totalEvents"],
            if filters == json!([]) { 6 } else { 3 }
        );
    }
}
