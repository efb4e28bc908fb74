//! What is known of the key in use, and whether it is too old.

use hh_sdk::auth::{CreatedSource, KeyInfo};
use hh_sdk::config::{Stack, names};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// The facts as programs read them; what nobody tells is null.
#[derive(Serialize)]
pub(super) struct KeyFacts {
    kind: &'static str,
    api_key: String,
    id: Option<String>,
    owner: Option<String>,
    level: Option<&'static str>,
    level_source: Option<&'static str>,
    created_at: Option<Timestamp>,
    created_at_source: Option<&'static str>,
    age_days: Option<i64>,
    expires_at: Option<Timestamp>,
}

impl KeyFacts {
    pub(super) fn of(info: &KeyInfo) -> Self {
        Self {
            kind: info.kind.as_str(),
            api_key: info.redacted.clone(),
            id: info.id.clone(),
            owner: info.owner.clone(),
            level: info.level.map(|(level, _)| level.as_str()),
            level_source: info.level.map(|(_, source)| source.as_str()),
            created_at: info.created.map(|(time, _)| time),
            created_at_source: info.created.map(|(_, source)| source.as_str()),
            age_days: days(info),
            expires_at: info.expires_at,
        }
    }
}

/// The facts as people read them.
pub(super) fn lines(info: &KeyInfo) -> Vec<String> {
    let id = info.id.as_ref().map(|id| format!(", id {id}"));
    let owner = info.owner.as_ref().map(|owner| format!(", for {owner}"));
    let mut lines = vec![format!(
        "Key in use: {}, {} key{}{}",
        info.redacted,
        info.kind.as_str(),
        id.unwrap_or_default(),
        owner.unwrap_or_default()
    )];
    lines.push(match info.level {
        Some((level, source)) => format!("Permissions: {} ({})", level.title(), source.as_str()),
        None => "Permissions: unknown (`honeyhive auth whoami` asks the server)".to_owned(),
    });
    let age = days(info).map_or_else(String::new, |days| match days {
        0 => ", today".to_owned(),
        1 => ", 1 day ago".to_owned(),
        days => format!(", {days} days ago"),
    });
    lines.push(match info.created {
        Some((time, CreatedSource::Server)) => format!("Made: {time:.0} (server){age}"),
        Some((time, CreatedSource::Stated)) => format!("Made: {time:.0} (as said at login){age}"),
        Some((time, CreatedSource::FirstSeen | _)) => {
            format!("Made: unknown, first seen here {time:.0}{age}")
        }
        None => "Made: unknown (`honeyhive auth login` keeps it, with --created if the server does not tell)"
            .to_owned(),
    });
    lines.extend(info.expires_at.map(|end| format!("Expires: {end:.0}")));
    lines
}

/// After how many days a key should be replaced.
pub(super) fn max_age(stack: &Stack) -> Option<i64> {
    let limit = stack.text(names::KEY_MAX_AGE_DAYS).ok()??;
    limit.value.parse().ok()
}

/// Tells of a key that should be replaced by now.
pub(super) fn warning(info: &KeyInfo, limit: i64) -> Option<String> {
    is_older(info, Span::new().days(limit)).then(|| {
        format!(
            "the API key {} is {} days old, more than {limit} (key_max_age_days); replace it with `honeyhive auth rotate`",
            info.redacted,
            days(info).unwrap_or_default()
        )
    })
}

/// Fails for a key that is older, or that nobody knows the age of. The server is asked if it is not known here.
pub(super) fn check_age(
    context: &Context,
    info: Option<KeyInfo>,
    limit: &str,
) -> Result<(), CliError> {
    let span: Option<Span> = limit.parse().ok();
    let Some(span) = span.filter(Span::is_positive) else {
        return Err(CliError::usage(
            "--fail-if-older-than takes a time, such as 90d",
        ));
    };
    let is_known = |info: &KeyInfo| {
        matches!(
            info.created,
            Some((_, CreatedSource::Server | CreatedSource::Stated))
        )
    };
    let info = match info {
        Some(info) if is_known(&info) => info,
        info => ask(context, info)?,
    };
    let shown = &info.redacted;
    if info.created.is_none() {
        let message = format!("the age of the API key {shown} is not known");
        let unknown = CliError::new(Exit::Other, message);
        return Err(unknown.with_hint("log in with --created DATE to set it"));
    }
    if !is_older(&info, span) {
        return Ok(());
    }
    let days = days(&info).unwrap_or_default();
    Err(CliError::new(
        Exit::Other,
        format!("the API key {shown} is {days} days old, more than {limit}"),
    )
    .with_hint("replace it with `honeyhive auth rotate`"))
}

fn ask(context: &Context, info: Option<KeyInfo>) -> Result<KeyInfo, CliError> {
    let client = context.client(None)?;
    let identity = context.block_on(client.whoami())?;
    let credential = client.credential();
    let info = info.or_else(|| credential.map(|found| KeyInfo::of(&found)));
    let info =
        info.ok_or_else(|| CliError::new(Exit::Auth, "no API key was found").with_key_help())?;
    Ok(info.with_details(&identity.details()))
}

fn is_older(info: &KeyInfo, than: Span) -> bool {
    let limit = Timestamp::now()
        .to_zoned_datetime(TimeZone::UTC)
        .checked_sub(than);
    match (info.created, limit) {
        (Some((created, _)), Ok(limit)) => created < limit.timestamp(),
        _ => false,
    }
}

fn days(info: &KeyInfo) -> Option<i64> {
    let age = info.age(Timestamp::now())?;
    Some(age.as_secs() / SECONDS_OF_A_DAY)
}
