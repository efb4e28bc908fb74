//! Compares the table and the requests with the OpenAPI description of HoneyHive (see `docs/design/decisions.md#q2`).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use hh_api::OpId;
use hh_api::types::{EventPatch, ExportEvents, Filter, Object, StartSession};
use serde_json::{Value, json};
use uuid::Uuid;

/// Returns the description, if a reference is available.
fn reference() -> Option<Value> {
    let Some(folder) = std::env::var_os("HH_REFERENCE_DIR") else {
        println!("skipped: HH_REFERENCE_DIR is not set");
        return None;
    };
    let path = PathBuf::from(folder).join("openapi/dataplane-3.0.3.json");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

/// Resolves a `$ref` to the schema.
fn resolve<'a>(all: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => resolve(all, all.pointer(place.trim_start_matches('#')).unwrap()),
        None => schema,
    }
}

/// Returns the entry of the reference for the method and the path of an operation.
fn described(all: &Value, id: OpId) -> &Value {
    let route = id.operation().route();
    &all["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

fn members(value: &Value) -> BTreeSet<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

/// Returns the names of the members of a request that are not in its schema in the reference.
fn unknown<'a>(request: &'a Value, all: &Value, schema: &Value) -> Vec<&'a str> {
    let known = members(&resolve(all, schema)["properties"]);
    let ours = members(request).into_iter();
    ours.filter(|name| !known.contains(name)).collect()
}

#[test]
fn the_reference_has_the_operations_that_are_not_our_own() {
    let Some(all) = reference() else {
        return;
    };
    let own: Vec<_> = OpId::ALL
        .into_iter()
        .filter(|id| described(&all, *id).is_null())
        .collect();
    // If a newer reference describes one of these, add it to the comparison below.
    assert_eq!(
        own,
        [
            OpId::Health,
            OpId::GetOpenApi,
            OpId::Whoami,
            OpId::CreateKey,
            OpId::ListKeys,
            OpId::GetKey,
            OpId::UpdateKey,
            OpId::RevokeKey,
            OpId::RotateKey,
            OpId::CreateOwner,
            OpId::ListOwners,
            OpId::DisableOwner,
            OpId::EnableOwner,
            OpId::CreateProject,
            OpId::ListProjects,
            OpId::DeleteProject,
            OpId::GetSession,
            OpId::FindSessions,
            OpId::DeleteSession,
            OpId::ExportTraces,
            OpId::DeleteEvent,
            OpId::DeleteUserData,
        ]
    );
}

#[test]
fn the_reference_describes_every_part_of_our_requests() {
    let Some(all) = reference() else {
        return;
    };
    let body = |id| {
        let content = &described(&all, id)["requestBody"]["content"];
        resolve(&all, &content["application/json"]["schema"])
    };
    let object: Object = [("key".to_owned(), json!(1))].into_iter().collect();
    let some = || Some("text".to_owned());
    // Every member is named, so that a new member does not compile before it is compared.
    let export = json!(ExportEvents {
        project: some(),
        filters: vec![Filter::is("session_id", "text")],
        date_range: Some(json!({})),
        projections: Some(Vec::new()),
        limit: Some(1),
        page: Some(1),
        cursor: some(),
        ignore_order: Some(true),
        evaluation_id: some(),
    });
    let patch = json!(EventPatch {
        event_id: Uuid::nil(),
        project: some(),
        metadata: Some(object.clone()),
        feedback: Some(object.clone()),
        metrics: Some(object.clone()),
        config: Some(object.clone()),
        user_properties: Some(object.clone()),
        outputs: Some(object.clone()),
        duration: Some(1.0),
        end_time: Some(1.0),
    });
    let session = json!(StartSession {
        session_id: some(),
        session_name: some(),
        source: some(),
        project: some(),
        start_time: Some(1.0),
        inputs: object.clone(),
        config: object.clone(),
        metadata: object.clone(),
        user_properties: object,
    });
    // Each request has all members: none was omitted because it is empty.
    let counts = [&export, &patch, &session].map(|request| members(request).len());
    assert_eq!(counts, [9, 10, 9]);

    // A hosted key has one project, so the reference has no `project`. Here, a key can apply to several projects.
    let own = ["project"];
    // Only a self-hosted server has cursors.
    let export_own = ["cursor", "project"];
    assert_eq!(unknown(&export, &all, body(OpId::ExportEvents)), export_own);
    assert_eq!(unknown(&patch, &all, body(OpId::UpdateEvent)), own);
    let start = &body(OpId::StartSession)["properties"];
    assert_eq!(members(start), BTreeSet::from(["session"]));
    assert_eq!(unknown(&session, &all, &start["session"]), own);

    let filters = &body(OpId::ExportEvents)["properties"]["filters"];
    let filter = &resolve(&all, filters)["items"];
    assert_eq!(unknown(&export["filters"][0], &all, filter), [""; 0]);
}
