//! Prints the OpenAPI 3.1 document of the API, which it generates from the operation table of the client and the
//! server.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use hh_api::types::Problem;
use hh_api::{BodyKind, OpId, Operation, Requirement, Retry, Route};
use schemars::generate::{Contract, SchemaSettings};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const SCHEMAS: &str = "#/components/schemas/";

fn main() -> io::Result<()> {
    let text = serde_json::to_string_pretty(&document()?)?;
    writeln!(io::stdout().lock(), "{text}")
}

fn document() -> io::Result<Value> {
    let mut inputs = generator(Contract::Deserialize);
    let mut outputs = generator(Contract::Serialize);
    let problem = Value::from(outputs.subschema_for::<Problem>());
    let mut paths = Object::new();
    for op in OpId::ALL {
        let operation = op.operation();
        let input = Input::new(op.input_schema(&mut inputs), &inputs);
        let output = Value::from(op.output_schema(&mut outputs));
        for (number, route) in operation.routes.iter().enumerate() {
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            let method = route.method.as_str().to_ascii_lowercase();
            let mut described = describe(operation, route, &input, &output);
            described["operationId"] = json!(operation_id(op, route, number));
            path[method] = described;
        }
    }
    let mut document = json!({
        "openapi": "3.1.1",
        "info": {
            "title": "HoneyHive",
            "description": "The API of a HoneyHive-compatible server.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/", "description": "The server that returned this document." }],
        "security": [{ "apiKey": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "apiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key: `Authorization: Bearer hh_…`",
            }},
            "responses": { "Problem": {
                "description": "The request failed.",
                "content": { "application/json": { "schema": problem } },
            }},
            "schemas": {},
        },
    });
    document["components"]["schemas"] = schemas(&document, &inputs, outputs)?;
    Ok(document)
}

fn generator(contract: Contract) -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12();
    settings.contract = contract;
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

/// Returns the schemas that a document refers to. Fails if an input and an output have different schemas with the same
/// name.
fn schemas(
    document: &Value,
    inputs: &SchemaGenerator,
    mut outputs: SchemaGenerator,
) -> io::Result<Value> {
    let mut all = outputs.take_definitions(true);
    for (name, schema) in inputs.definitions() {
        let other = all.insert(name.clone(), schema.clone());
        if other.is_some_and(|other| other != *schema) {
            let message = format!("{name} has one schema as an input and another as an output");
            return Err(io::Error::other(message));
        }
    }
    let mut used = BTreeSet::new();
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(members) => open.extend(members.values()),
            Value::String(text) => {
                let name = text.strip_prefix(SCHEMAS);
                let found = name.and_then(|name| all.get_key_value(name));
                if let Some((name, schema)) = found
                    && used.insert(name.clone())
                {
                    open.push(schema);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    all.retain(|name, _| used.contains(name));
    Ok(Value::Object(all))
}

/// The schema of an input and its members.
struct Input {
    schema: Value,
    whole: Object,
    properties: Object,
    required: BTreeSet<String>,
}

impl Input {
    fn new(schema: Schema, generator: &SchemaGenerator) -> Self {
        let schema = Value::from(schema);
        let name = schema["$ref"]
            .as_str()
            .and_then(|text| text.strip_prefix(SCHEMAS));
        let whole = name.and_then(|name| generator.definitions().get(name));
        let whole = whole
            .unwrap_or(&schema)
            .as_object()
            .cloned()
            .unwrap_or_default();
        let required = whole.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        let properties = whole.get("properties").and_then(Value::as_object);
        Self {
            required: required.map(str::to_owned).collect(),
            properties: properties.cloned().unwrap_or_default(),
            whole,
            schema,
        }
    }

    /// Returns the schema of the members that are not in the path.
    fn body(&self, route: &Route) -> Value {
        let in_path: Vec<_> = route.path_members().collect();
        if in_path.is_empty() {
            return self.schema.clone();
        }
        let mut body = self.whole.clone();
        let is_in_body = |name: &str| !in_path.contains(&name);
        if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|name, _| is_in_body(name));
        }
        if let Some(required) = body.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| name.as_str().is_some_and(is_in_body));
        }
        Value::Object(body)
    }
}

fn operation_id(op: OpId, route: &Route, number: usize) -> String {
    let name = format!("{op:?}");
    let (first, rest) = name.split_at(1);
    let suffix = if number == 0 {
        ""
    } else {
        route.dialect.as_str()
    };
    format!("{}{rest}{suffix}", first.to_ascii_lowercase())
}

fn describe(operation: &Operation, route: &Route, input: &Input, output: &Value) -> Value {
    let need = match operation.need {
        Requirement::Open => "none".to_owned(),
        Requirement::AnyKey => "any key".to_owned(),
        Requirement::Need(need) => need.to_string(),
        Requirement::Own(need) => format!("{need}, or the key itself"),
    };
    let keys: Vec<_> = operation.keys.iter().map(|key| key.as_str()).collect();
    let mut content = json!({ "application/json": { "schema": output } });
    if route.body == BodyKind::Otlp {
        content["application/x-protobuf"] = json!({});
    }
    let mut described = json!({
        "tags": [operation.resource],
        "summary": operation.description.trim().trim_end_matches('.'),
        "responses": {
            "200": { "description": "The request succeeded.", "content": content },
            "default": { "$ref": "#/components/responses/Problem" },
        },
        "x-honeyhive": {
            "dialect": route.dialect.as_str(),
            "need": need,
            "retry": operation.retry.as_str(),
            "keys": keys,
        },
    });
    if operation.need == Requirement::Open {
        described["security"] = json!([]);
    }
    let parameters = parameters(operation, route, input);
    if !parameters.is_empty() {
        described["parameters"] = json!(parameters);
    }
    if let Some(body) = request_body(route, input) {
        described["requestBody"] = body;
    }
    described
}

fn parameters(operation: &Operation, route: &Route, input: &Input) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (name, schema) in &input.properties {
        let is_in_path = route.path_members().any(|member| member == name);
        if !is_in_path && !route.method.uses_query() {
            continue;
        }
        let mut schema = schema.clone();
        let description = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        // A query omits a member without a value, so `null` is not a valid type.
        if let Some(types) = schema["type"].as_array_mut() {
            types.retain(|name| name != "null");
            if let [one] = types.as_slice() {
                schema["type"] = one.clone();
            }
        }
        let suffix = if schema["type"] == "array" { "[]" } else { "" };
        parameters.push(json!({
            "name": format!("{name}{suffix}"),
            "in": if is_in_path { "path" } else { "query" },
            "required": is_in_path || input.required.contains(name),
            "description": description,
            "schema": schema,
        }));
    }
    if operation.retry == Retry::Keyed {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Requests with the same key have the effect of one.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        }));
    }
    parameters
}

fn request_body(route: &Route, input: &Input) -> Option<Value> {
    let is_required = match route.body {
        BodyKind::None => return None,
        BodyKind::Json => true,
        BodyKind::Optional => false,
        BodyKind::Otlp => {
            return Some(json!({
                "description": "An OTLP ExportTraceServiceRequest, optionally compressed with gzip or deflate.",
                "required": true,
                "content": {
                    "application/x-protobuf": {},
                    "application/json": { "schema": { "type": "object" } },
                },
            }));
        }
    };
    let body = input.body(route);
    let schema = match route.wrapper {
        Some(name) => json!({ "type": "object", "properties": { name: body }, "required": [name] }),
        None => body,
    };
    Some(json!({
        "required": is_required,
        "content": { "application/json": { "schema": schema } },
    }))
}
