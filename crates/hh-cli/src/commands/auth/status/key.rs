//! Describes the active key and checks its age.

use hh_sdk::auth::{CreatedSource, KeyInfo};
use hh_sdk::config::{Stack, names};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Screen;

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// The details of the key in JSON output. Unknown values are null.
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

/// Returns the details of the key as lines of text.
pub(super) fn lines(info: &KeyInfo, is_saved: bool, screen: &Screen) -> Vec<String> {
    let id = info.id.as_ref().map(|id| format!(", id {id}"));
    let owner = info.owner.as_ref().map(|owner| format!(", owner {owner}"));
    let mut lines = vec![format!(
        "Active key: {}, {} key{}{}",
        info.redacted,
        info.kind.as_str(),
        id.unwrap_or_default(),
        owner.unwrap_or_default()
    )];
    lines.push(match info.level {
        Some((level, source)) => format!("Permissions: {} ({})", level.title(), source.as_str()),
        None => "Permissions: unknown (run `honeyhive auth whoami`)".to_owned(),
    });
    let age = days(info).map_or_else(String::new, |days| match days {
        0 => ", today".to_owned(),
        1 => ", 1 day ago".to_owned(),
        days => format!(", {days} days ago"),
    });
    lines.push(match info.created {
        Some((time, CreatedSource::Server)) => {
            format!(
                "Created: {} (reported by the server){age}",
                screen.time(time)
            )
        }
        Some((time, CreatedSource::Stated)) => {
            format!("Created: {} (stated at login){age}", screen.time(time))
        }
        Some((time, CreatedSource::FirstSeen | _)) => {
            format!("Created: unknown, first seen {}{age}", screen.time(time))
        }
        None if is_saved => {
            "Created: unknown (set it with `honeyhive auth login --created DATE`)".to_owned()
        }
        None => "Created: unknown".to_owned(),
    });
    lines.extend(
        info.expires_at
            .map(|end| format!("Expires: {}", screen.time(end))),
    );
    lines
}

/// Returns the maximum age of a key, in days.
pub(super) fn max_age(stack: &Stack) -> Option<i64> {
    let limit = stack.text(names::KEY_MAX_AGE_DAYS).ok()??;
    limit.value.parse().ok()
}

/// Returns a warning if the key is older than `limit` days.
pub(super) fn warning(info: &KeyInfo, is_saved: bool, limit: i64) -> Option<String> {
    is_older(info, Span::new().days(limit)).then(|| {
        format!(
            "API key {} is {} days old, more than {limit} (key_max_age_days); rotate it with {}",
            info.redacted,
            days(info).unwrap_or_default(),
            rotation(is_saved)
        )
    })
}

/// Returns an error if the key is older than `limit` or if its age is unknown. Requests the age from the server if it
/// is not known locally.
pub(super) fn check_age(
    context: &Context,
    info: Option<KeyInfo>,
    is_saved: bool,
    limit: &str,
) -> Result<(), CliError> {
    let span: Option<Span> = limit.parse().ok();
    let Some(span) = span.filter(Span::is_positive) else {
        return Err(CliError::usage(
            "invalid value for --fail-if-older-than: expected a duration such as 90d",
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
        let message = format!("the age of API key {shown} is unknown");
        let unknown = CliError::new(Exit::Other, message);
        return Err(if is_saved {
            unknown.with_hint("set it with `honeyhive auth login --created DATE`")
        } else {
            unknown
        });
    }
    if !is_older(&info, span) {
        return Ok(());
    }
    let days = days(&info).unwrap_or_default();
    Err(CliError::new(
        Exit::Other,
        format!("API key {shown} is {days} days old, more than {limit}"),
    )
    .with_hint(format!("rotate it with {}", rotation(is_saved))))
}

/// Returns the command that rotates the active key. A key that comes from a variable or a file is replaced there.
fn rotation(is_saved: bool) -> &'static str {
    if is_saved {
        "`honeyhive auth rotate`"
    } else {
        "`honeyhive auth keys rotate`"
    }
}

/// Requests the details of the active key from the server.
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

/// Returns the age of the key in whole days.
fn days(info: &KeyInfo) -> Option<i64> {
    let age = info.age(Timestamp::now())?;
    Some(age.as_secs() / SECONDS_OF_A_DAY)
}
