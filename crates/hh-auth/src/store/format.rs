//! The text of the store. Parse errors give a line only: a line of this file may hold a key.

use jiff::Timestamp;
use toml::{Table, Value};

use super::{Contents, Profile};
use crate::{ApiKey, Level};

const VERSION: i64 = 1;

pub(super) fn to_text(contents: &Contents) -> String {
    let mut profiles = Table::new();
    for profile in &contents.profiles {
        let mut entry = Table::new();
        let mut set = |name: &str, value: &str| {
            entry.insert(name.to_owned(), Value::String(value.to_owned()));
        };
        set("base_url", &profile.base_url);
        set("storage", "file");
        set("first_seen", &profile.first_seen.to_string());
        if let Some(id) = &profile.key_id {
            set("key_id", id);
        }
        if let Some(level) = profile.level {
            set("level", level.as_str());
        }
        set("api_key", profile.key.text());
        profiles.insert(profile.name.clone(), Value::Table(entry));
    }
    let mut root = Table::new();
    root.insert("version".to_owned(), Value::Integer(VERSION));
    if let Some(current) = &contents.current {
        root.insert("current".to_owned(), Value::String(current.clone()));
    }
    root.insert("profiles".to_owned(), Value::Table(profiles));
    root.to_string()
}

/// The error is the place and what is wrong there, as the end of a sentence.
pub(super) fn from_text(text: &str) -> Result<Contents, String> {
    let root: Table = text.parse().map_err(|error: toml::de::Error| {
        error.span().map_or_else(String::new, |span| {
            let line = text[..span.start.min(text.len())].lines().count().max(1);
            format!(" (line {line})")
        })
    })?;
    if root.get("version").and_then(Value::as_integer) != Some(VERSION) {
        return Err(format!(" of version {VERSION}"));
    }
    let mut contents = Contents {
        current: root
            .get("current")
            .and_then(Value::as_str)
            .map(str::to_owned),
        profiles: Vec::new(),
    };
    let profiles = root.get("profiles").and_then(Value::as_table);
    for (name, entry) in profiles.into_iter().flatten() {
        let wrong = |what: &str| format!(" (profile \"{name}\": {what})");
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        let key = text("api_key").ok_or_else(|| wrong("no api_key"))?;
        let key = ApiKey::parse(key).map_err(|error| wrong(&format!("api_key {error}")))?;
        let base_url = text("base_url").ok_or_else(|| wrong("no base_url"))?;
        let first_seen: Timestamp = text("first_seen")
            .and_then(|time| time.parse().ok())
            .ok_or_else(|| wrong("no valid first_seen"))?;
        contents
            .profiles
            .push(Profile::new(name, base_url, key, first_seen).with_details(
                text("key_id").map(str::to_owned),
                text("level").and_then(Level::find),
            ));
    }
    Ok(contents)
}
