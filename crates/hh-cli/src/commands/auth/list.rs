//! Implements `honeyhive auth list`.

use hh_sdk::auth::{Level, Profile, ProfileEntry};
use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Column, List, Table};

/// A saved profile without the secret of its key.
#[derive(Serialize)]
pub(super) struct ProfileRow {
    name: String,
    current: bool,
    base_url: String,
    api_key: Option<String>,
    owner: Option<String>,
    level: Option<&'static str>,
    storage: &'static str,
    first_seen: Timestamp,
}

impl ProfileRow {
    /// Describes a profile of the store.
    pub(super) fn of(entry: &ProfileEntry, current: bool) -> Self {
        Self {
            name: entry.name.clone(),
            current,
            base_url: entry.base_url.clone(),
            api_key: entry.redacted(),
            owner: entry.details.owner.clone(),
            level: entry.details.level.map(Level::as_str),
            storage: entry.storage.as_str(),
            first_seen: entry.first_seen,
        }
    }

    /// Describes a profile that a login saves as the current one.
    pub(super) fn of_login(profile: &Profile) -> Self {
        Self {
            name: profile.name.clone(),
            current: true,
            base_url: profile.base_url.clone(),
            api_key: Some(profile.key.redacted()),
            owner: profile.details.owner.clone(),
            level: profile.details.level.map(Level::as_str),
            storage: profile.storage.as_str(),
            first_seen: profile.first_seen,
        }
    }
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let profiles = context.profiles()?;
    let current = profiles.current().map(str::to_owned);
    let current = context.profile_name().or(current);
    let listed: Vec<ProfileRow> = profiles
        .iter()
        .map(|entry| ProfileRow::of(entry, current.as_ref() == Some(&entry.name)))
        .collect();
    if listed.is_empty() {
        context.note("No saved profiles; run `honeyhive auth login` to create one");
    }
    let result = List::complete(&listed);
    context.printer().list(&result, |screen| {
        if listed.is_empty() {
            return Vec::new();
        }
        let columns = [
            Column::whole(""),
            Column::text("PROFILE"),
            Column::text("SERVER"),
            Column::whole("KEY").optional(4),
            Column::text("OWNER").optional(3),
            Column::whole("LEVEL").optional(5),
            Column::whole("STORAGE").optional(2),
            Column::whole("FIRST SEEN").optional(1),
        ];
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let rows = listed.iter().map(|profile| {
            [
                if profile.current { "*" } else { "" }.to_owned(),
                profile.name.clone(),
                profile.base_url.clone(),
                or_dash(&profile.api_key),
                or_dash(&profile.owner),
                profile.level.unwrap_or("-").to_owned(),
                profile.storage.to_owned(),
                screen.time(profile.first_seen),
            ]
        });
        Table::new(columns, rows).lines(screen)
    })
}
