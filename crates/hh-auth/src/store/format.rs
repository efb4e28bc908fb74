//! The text of the store. What is wrong with it is told by line and never repeated: a line of this file may hold a key.

use std::ops::Range;

use jiff::Timestamp;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::profile::{Contents, Created, KeyDetails, Profile, ProfileEntry, Storage};
use crate::{ApiKey, Level};

const VERSION: u64 = 1;

/// What one profile takes at most beside its texts: names of fields, quotes and times.
const OVERHEAD: usize = 512;

/// Why a text is no store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The line, and what is wrong there.
    Damaged { line: usize, what: String },
    /// A newer program wrote it.
    Newer { version: u64 },
}

/// The buffer never grows, so that no part of it is left behind unwiped.
pub(crate) fn to_text(contents: &Contents) -> Zeroizing<String> {
    // A character becomes at most the six of `\u001f`.
    let length = |profile: &ProfileEntry| {
        let texts = [
            Some(profile.name.as_str()),
            Some(profile.base_url.as_str()),
            profile.details.id.as_deref(),
            profile.details.owner.as_deref(),
            profile.details.replaces.as_deref(),
            profile.key.as_ref().map(crate::exposed),
        ];
        texts.into_iter().flatten().map(str::len).sum::<usize>() * 6 + OVERHEAD
    };
    let all: usize = contents.profiles.values().map(length).sum();
    let current = contents.current.as_deref().unwrap_or_default();
    let capacity = all + current.len() * 6 + OVERHEAD;
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    text.push_str("version = 1\n");
    if let Some(current) = &contents.current {
        set(&mut text, "current", current);
    }
    for (name, profile) in &contents.profiles {
        text.push_str("\n[profiles.");
        quote(&mut text, name);
        text.push_str("]\n");
        set(&mut text, "base_url", &profile.base_url);
        set(&mut text, "storage", profile.storage.as_str());
        set(&mut text, "first_seen", &profile.first_seen.to_string());
        set_details(&mut text, &profile.details);
        if let Some(key) = &profile.key {
            set(&mut text, "api_key", crate::exposed(key));
        }
    }
    debug_assert!(text.len() <= capacity, "the buffer has grown");
    text
}

fn set_details(text: &mut String, details: &KeyDetails) {
    if let Some(id) = &details.id {
        set(text, "key_id", id);
    }
    if let Some(level) = details.level {
        set(text, "level", level.as_str());
    }
    if let Some(owner) = &details.owner {
        set(text, "owner", owner);
    }
    match details.created {
        Some(Created::Reported(time)) => set(text, "created_at", &time.to_string()),
        Some(Created::Stated(time)) => set(text, "created_stated", &time.to_string()),
        None => {}
    }
    if let Some(time) = details.expires_at {
        set(text, "expires_at", &time.to_string());
    }
    if let Some(id) = &details.replaces {
        set(text, "replaces", id);
    }
}

fn set(text: &mut String, field: &str, value: &str) {
    text.push_str(field);
    text.push_str(" = ");
    quote(text, value);
    text.push('\n');
}

fn quote(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii_control() => {
                let digit = |n: u32| char::from_digit(n, 16).unwrap_or('0');
                let code = u32::from(c);
                text.extend(['\\', 'u', '0', '0', digit(code >> 4), digit(code & 15)]);
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Contents, Unreadable> {
    let line_of = |at: usize| {
        let before = bytes.get(..at).unwrap_or(bytes);
        before.split(|byte| *byte == b'\n').count()
    };
    let damaged = |at: usize, what: &str| Unreadable::Damaged {
        line: line_of(at),
        what: what.to_owned(),
    };
    let text =
        std::str::from_utf8(bytes).map_err(|error| damaged(error.valid_up_to(), "is not text"))?;
    // What a full disk or an editor left: no store is what it says.
    if text.trim().is_empty() {
        return Ok(Contents::default());
    }
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        damaged(at, "is not TOML")
    })?;
    let wrong = |(span, what): SyntaxError| damaged(span.start, &what);
    contents(root.get_ref(), wrong)
}

/// Where something is wrong, and what.
type SyntaxError = (Range<usize>, String);

fn contents(
    root: &DeTable<'_>,
    wrong: impl Fn(SyntaxError) -> Unreadable,
) -> Result<Contents, Unreadable> {
    let none = |what: &str| wrong((0..0, what.to_owned()));
    let version = root
        .get("version")
        .ok_or_else(|| none("begins a file without a version"))?;
    let number = version.get_ref().as_integer();
    match number.and_then(|number| number.as_str().parse::<u64>().ok()) {
        Some(VERSION) => {}
        Some(version) if version > VERSION => return Err(Unreadable::Newer { version }),
        Some(_) | None => {
            let what = "gives a version that never was".to_owned();
            return Err(wrong((version.span(), what)));
        }
    }
    let mut contents = Contents::default();
    if let Some(current) = root.get("current") {
        let name = name(current.span(), current.get_ref().as_str());
        contents.current = Some(name.map_err(&wrong)?);
    }
    let Some(profiles) = root.get("profiles") else {
        return Ok(contents);
    };
    let Some(entries) = profiles.get_ref().as_table() else {
        let what = "gives profiles that are no table".to_owned();
        return Err(wrong((profiles.span(), what)));
    };
    for (key, value) in entries {
        let name = name(key.span(), Some(key.get_ref())).map_err(&wrong)?;
        let entry = entry(&name, key.span(), value).map_err(&wrong)?;
        contents.profiles.insert(name, entry);
    }
    Ok(contents)
}

fn name(span: Range<usize>, name: Option<&str>) -> Result<String, SyntaxError> {
    match name {
        Some(name) if Profile::is_valid_name(name) => Ok(name.to_owned()),
        Some(_) | None => Err((span, "gives a name that no profile can have".to_owned())),
    }
}

fn entry(
    name: &str,
    span: Range<usize>,
    value: &Spanned<DeValue<'_>>,
) -> Result<ProfileEntry, SyntaxError> {
    let wrong = |what: &str| (span.clone(), what.to_owned());
    let table = value
        .get_ref()
        .as_table()
        .ok_or_else(|| wrong("gives a profile that is no table"))?;
    let optional = |field: &str| match table.get(field) {
        None => Ok(None),
        Some(value) => match value.get_ref().as_str() {
            Some(text) => Ok(Some((text, value.span()))),
            None => Err((
                value.span(),
                format!("gives a value of {field} that is no text"),
            )),
        },
    };
    let required = |field: &str| {
        optional(field)?.ok_or_else(|| wrong(&format!("begins a profile without {field}")))
    };
    let storage = match optional("storage")? {
        None => Storage::File,
        Some((text, span)) => Storage::find(text).ok_or_else(|| {
            let what = "gives a storage that is neither file nor keyring";
            (span, what.to_owned())
        })?,
    };
    let key = match storage {
        Storage::Keyring => None,
        Storage::File => {
            let (text, span) = required("api_key")?;
            let key = ApiKey::parse(text);
            Some(key.map_err(|error| (span, format!("gives an api_key that {error}")))?)
        }
    };
    let time = |field: &str| match optional(field)? {
        None => Ok(None),
        Some((text, span)) => match text.parse::<Timestamp>() {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err((span, format!("gives a value of {field} that is no time"))),
        },
    };
    let created = match (time("created_at")?, time("created_stated")?) {
        (Some(told), _) => Some(Created::Reported(told)),
        (None, stated) => stated.map(Created::Stated),
    };
    let first_seen =
        time("first_seen")?.ok_or_else(|| wrong("begins a profile without first_seen"))?;
    Ok(ProfileEntry {
        name: name.to_owned(),
        base_url: required("base_url")?.0.to_owned(),
        storage,
        details: KeyDetails {
            id: optional("key_id")?.map(|(id, _)| id.to_owned()),
            level: optional("level")?.and_then(|(level, _)| Level::find(level)),
            owner: optional("owner")?.map(|(owner, _)| owner.to_owned()),
            created,
            expires_at: time("expires_at")?,
            replaces: optional("replaces")?.map(|(id, _)| id.to_owned()),
        },
        first_seen,
        key,
    })
}
