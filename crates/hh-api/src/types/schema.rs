//! JSON schemas of foreign types and of types with their own serialization.

use std::borrow::Cow;

use hh_auth::Level;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::ProjectNames;

/// The schema of a time.
pub(super) struct Time;

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// The schema of the name of a permission level.
pub(super) struct LevelName;

impl JsonSchema for LevelName {
    fn schema_name() -> Cow<'static, str> {
        "Level".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A permission level.",
            "type": "string",
            "enum": Level::ALL.map(Level::as_str),
        })
    }
}

impl JsonSchema for ProjectNames {
    fn schema_name() -> Cow<'static, str> {
        "ProjectNames".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list of names of projects, or `\"all\"` for all projects.",
            "anyOf": [{ "const": "all" }, generator.subschema_for::<Vec<String>>()],
        })
    }
}
