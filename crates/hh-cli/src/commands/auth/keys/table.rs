//! Describes keys in tables and in lines of text.

use hh_sdk::api::types::{Key, KeyState, ProjectNames};
use jiff::{SignedDuration, Timestamp};

use crate::output::{Column, Screen, Table};

/// The number of characters of an id within a text.
const SHORT_ID: usize = 8;

/// Returns the lines of a table of keys.
pub(super) fn table(keys: &[Key], screen: &Screen) -> Vec<String> {
    let columns = [
        Column::id("ID"),
        Column::text("NAME"),
        Column::whole("KEY").optional(6),
        Column::whole("LEVEL"),
        Column::text("PROJECTS").optional(3),
        Column::text("OWNER").optional(5),
        Column::whole("CREATED").optional(9),
        Column::whole("AGE").optional(7),
        Column::whole("LAST USED").optional(2),
        Column::whole("EXPIRES").optional(1),
        Column::whole("STATE").optional(4),
        Column::text("NOTE").optional(8),
    ];
    let rows = keys.iter().map(|key| {
        [
            key.id.clone(),
            key.name.clone(),
            key.shown.clone(),
            key.level.title().to_owned(),
            projects(key),
            key.owner.name.clone(),
            screen.time(key.created_at),
            age(key),
            screen.time_or(key.last_used_at, "never"),
            end(key, screen),
            state(key, screen),
            key.note.clone().unwrap_or_default(),
        ]
    });
    Table::new(columns, rows).lines(screen)
}

/// Returns everything about a key, one fact per line.
pub(super) fn lines(key: &Key, screen: &Screen) -> Vec<String> {
    let facts = [
        ("Id", Some(key.id.clone())),
        ("Name", Some(key.name.clone())),
        ("Key", Some(key.shown.clone())),
        ("Level", Some(key.level.title().to_owned())),
        ("Projects", Some(projects(key))),
        ("Owner", Some(key.owner.name.clone())),
        ("State", Some(state(key, screen))),
        ("Created", Some(screen.time(key.created_at))),
        ("Age", Some(age(key))),
        ("Last used", Some(screen.time_or(key.last_used_at, "never"))),
        ("Expires", Some(end(key, screen))),
        ("Replaces", key.replaces.clone()),
        ("Replaced by", key.replaced_by.clone()),
        ("Note", key.note.clone()),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    facts
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

/// Returns the names of the projects that a key applies to.
pub(super) fn projects(key: &Key) -> String {
    match &key.projects {
        ProjectNames::All => "all".to_owned(),
        ProjectNames::Only(names) => names.join(", "),
    }
}

/// Returns the age of a key in days, or in hours on its first day.
fn age(key: &Key) -> String {
    let hours = Timestamp::now().duration_since(key.created_at).as_hours();
    match hours.max(0) {
        hours @ 0..24 => format!("{hours}h"),
        hours => format!("{}d", hours / 24),
    }
}

/// Returns when a key stops working: at its expiry, or at the end of the grace period of a replaced key.
fn end(key: &Key, screen: &Screen) -> String {
    let is_pending = key.state == KeyState::Active && key.grace_ends_at.is_none();
    match (&key.replaced_by, key.grace_seconds) {
        // The grace period begins when the other key is first used.
        (Some(other), Some(grace)) if is_pending => {
            let grace = SignedDuration::from_secs(grace.into());
            let other: String = other.chars().take(SHORT_ID).collect();
            format!("{grace:#} after first use of {other}")
        }
        _ => {
            let ends = [key.expires_at, key.grace_ends_at];
            screen.time_or(ends.into_iter().flatten().min(), "never")
        }
    }
}

/// Returns the state of a key. A replaced key works for a while.
fn state(key: &Key, screen: &Screen) -> String {
    let is_replaced = key.state == KeyState::Active && key.replaced_by.is_some();
    match key.grace_ends_at {
        Some(grace) if is_replaced => {
            let end = key.expires_at.map_or(grace, |end| end.min(grace));
            let end = screen.time(end);
            // On a terminal, a time is relative.
            let until = if end.starts_with("in ") { "" } else { "until " };
            let end = end
                .strip_prefix("in ")
                .map_or(end.clone(), |left| format!("for {left}"));
            format!("replaced, works {until}{end}")
        }
        None if is_replaced => "replaced, works until the new key is used".to_owned(),
        _ => name(key.state).to_owned(),
    }
}

fn name(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
        KeyState::Replaced => "replaced",
        _ => "unknown",
    }
}
