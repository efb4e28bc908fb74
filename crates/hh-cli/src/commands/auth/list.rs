//! Implements `honeyhive auth list`.

use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Column, List, Table};

#[derive(Serialize)]
struct ProfileRow {
    name: String,
    current: bool,
    base_url: String,
    api_key: Option<String>,
    owner: Option<String>,
    level: Option<&'static str>,
    storage: &'static str,
    first_seen: Timestamp,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let profiles = context.profiles()?;
    let current = profiles.current().map(str::to_owned);
    let current = context.profile_name().or(current);
    let listed: Vec<ProfileRow> = profiles
        .iter()
        .map(|entry| ProfileRow {
            current: current.as_ref() == Some(&entry.name),
            api_key: entry.redacted(),
            level: entry.details.level.map(hh_sdk::auth::Level::as_str),
            storage: entry.storage.as_str(),
            first_seen: entry.first_seen,
            owner: entry.details.owner.clone(),
            name: entry.name.clone(),
            base_url: entry.base_url.clone(),
        })
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
