//! Creates the JSON Schema of configuration files, for editors and other validators.

use serde_json::{Map, Value, json};

use crate::{Kind, Placement, SETTINGS, SettingSpec};

/// Returns the JSON Schema (draft 2020-12) of a configuration file, as indented JSON.
///
/// The schema also allows a string for each setting, because any value can be written as `${NAME}`.
#[must_use]
pub fn schema() -> String {
    let mut properties = Map::new();
    for declared in SETTINGS
        .iter()
        .filter(|declared| declared.place != Placement::OutsideFiles)
    {
        properties.insert(declared.name.to_owned(), property(declared));
        for alias in declared.aliases {
            let name = format!("#/$defs/settings/properties/{}", declared.name);
            let other = json!({ "$ref": name, "deprecated": true });
            properties.insert((*alias).to_owned(), other);
        }
        if declared.secret {
            let doc = format!("path of a file that contains `{}`", declared.name);
            let file = json!({ "type": "string", "description": doc });
            properties.insert(format!("{}_file", declared.name), file);
        }
    }
    let mut top: Map<String, Value> = properties
        .keys()
        .map(|name| {
            (
                name.clone(),
                json!({ "$ref": format!("#/$defs/settings/properties/{name}") }),
            )
        })
        .collect();
    top.insert(
        "$schema".to_owned(),
        json!({ "description": "address of this schema, for editors; ignored otherwise", "type": "string" }),
    );
    top.insert(
        "environments".to_owned(),
        json!({
            "description": "settings that override the others in the environment of this name (HH_ENVIRONMENT, --environment)",
            "type": "object",
            "additionalProperties": { "$ref": "#/$defs/settings" },
        }),
    );
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "HoneyHive configuration file",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
        "$defs": {
            "settings": {
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
            },
        },
    });
    // Serializing strings and numbers cannot fail.
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}

fn property(declared: &SettingSpec) -> Value {
    let text = json!({ "type": "string" });
    let or_text = |value: Value| json!([value, { "type": "string" }]);
    let texts = json!({ "type": "string" });
    let mut property = match declared.kind {
        Kind::Text | Kind::Name | Kind::Project | Kind::Path | Kind::Proxy | Kind::Url => text,
        Kind::Choice(words) => json!({ "type": "string", "examples": words }),
        Kind::Boolean => json!({ "anyOf": or_text(json!({ "type": "boolean" })) }),
        Kind::Seconds(low, high) | Kind::Number(low, high) => json!({
            "anyOf": or_text(json!({ "type": "number", "minimum": low, "maximum": high }))
        }),
        Kind::Count(low, high) => json!({
            "anyOf": or_text(json!({ "type": "integer", "minimum": low, "maximum": high }))
        }),
        Kind::List | Kind::Hosts | Kind::HostPatterns => {
            json!({ "anyOf": or_text(json!({ "type": "array", "items": texts })) })
        }
        Kind::Map => {
            json!({ "anyOf": or_text(json!({ "type": "object", "additionalProperties": texts })) })
        }
    };
    property["description"] = declared.doc.into();
    if let Some(default) = declared.default {
        let is_text = property["type"] == "string";
        let parsed = serde_json::from_str(default).ok().filter(|_| !is_text);
        property["default"] = parsed.unwrap_or_else(|| default.into());
    }
    property
}
