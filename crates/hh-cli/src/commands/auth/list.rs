//! `honeyhive auth list`

use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output;

#[derive(Serialize)]
struct ProfileRow {
    name: String,
    current: bool,
    base_url: String,
    api_key: Option<String>,
    owner: Option<String>,
    level: Option<&'static str>,
    storage: &'static str,
    first_seen: String,
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
            first_seen: entry.first_seen.to_string(),
            owner: entry.details.owner.clone(),
            name: entry.name.clone(),
            base_url: entry.base_url.clone(),
        })
        .collect();
    if context.is_json() {
        return output::json(&serde_json::json!({ "profiles": listed }));
    }
    if listed.is_empty() {
        context.note("There is no saved login; `honeyhive auth login` makes one");
        return Ok(());
    }
    let rows = listed.into_iter().map(|profile| {
        [
            if profile.current { "*" } else { "" }.to_owned(),
            profile.name,
            profile.base_url,
            profile.api_key.unwrap_or_else(|| "-".to_owned()),
            profile.owner.unwrap_or_else(|| "-".to_owned()),
            profile.level.unwrap_or("-").to_owned(),
            profile.storage.to_owned(),
            profile.first_seen,
        ]
    });
    let header = [
        "", "PROFILE", "SERVER", "KEY", "FOR", "LEVEL", "KEPT IN", "SINCE",
    ];
    output::table(header, rows)
}
