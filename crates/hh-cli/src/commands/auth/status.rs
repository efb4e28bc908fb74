//! Implements `honeyhive auth status`, which lists all sources of API keys without a request to the server.

mod key;

use clap::Args;

use hh_sdk::auth::{KeyInfo, ProfileEntry, Storage, redact};
use hh_sdk::config::{
    Explanation, Location, Provenance, RedactedValue, SettingName, Source, names,
};
use hh_sdk::tooling::Layers;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output::{Column, Screen, Table};

/// The settings that can contain a key, the general one first.
const KEYS: [SettingName; 5] = [
    names::API_KEY,
    names::CREDENTIAL_COMMAND,
    names::INGESTION_API_KEY,
    names::DATA_PLANE_API_KEY,
    names::CONTROL_PLANE_API_KEY,
];

#[derive(Args)]
pub(crate) struct Arguments {
    /// Exit with code 1 if the key is older than this, e.g. 90d, or its age is unknown (may query the server)
    #[arg(long, value_name = "AGE", allow_hyphen_values = true)]
    fail_if_older_than: Option<String>,
}

#[derive(Serialize)]
struct Status {
    base_url: Option<String>,
    base_url_source: Option<String>,
    test_mode: bool,
    /// The path of the credential file.
    store: Option<String>,
    keys: Vec<KeySource>,
    /// The active project key.
    key: Option<key::KeyFacts>,
}

impl Status {
    /// Returns whether the active key is saved in a profile.
    fn has_saved_key(&self) -> bool {
        let mut used = self.keys.iter();
        used.any(|place| place.state == SourceState::Used && place.storage.is_some())
    }
}

/// One source that has a key.
#[derive(Serialize)]
struct KeySource {
    setting: &'static str,
    value: Option<String>,
    source: String,
    state: SourceState,
    /// The storage of a saved key. A file is plain text.
    storage: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum SourceState {
    Used,
    Shadowed,
    Invalid,
}

impl SourceState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Shadowed => "shadowed",
            Self::Invalid => "invalid",
        }
    }
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    context.warn_of_visible_key();
    let mut layers = context.layers();
    let stack = &layers.stack;
    let text = |name| stack.text(name).ok().flatten();
    let base_url = text(names::BASE_URL);
    let test_mode = stack.is_enabled(names::TEST_MODE);
    let source_of = |name| {
        let winner = stack.candidates(name).winner;
        winner.map(|winner| winner.provenance().source())
    };
    // Only the setting with the higher precedence is used.
    let command_wins = source_of(names::CREDENTIAL_COMMAND) > source_of(names::API_KEY);
    let mut keys = Vec::new();
    for name in KEYS {
        let loses = (name == names::API_KEY && command_wins)
            || (name == names::CREDENTIAL_COMMAND && !command_wins);
        keys.extend(places(
            &stack.explain_one(name),
            layers.profile.as_ref(),
            loses,
        ));
    }
    let wins = !keys.iter().any(|place| place.state == SourceState::Used);
    keys.extend(hidden_keyring_key(&layers, wins));
    let mut status = Status {
        base_url: base_url.as_ref().map(|found| found.value.clone()),
        base_url_source: base_url.as_ref().map(|found| found.provenance.to_string()),
        test_mode,
        store: context
            .store()
            .ok()
            .map(|store| store.path().display().to_string()),
        keys,
        key: None,
    };
    let max_age = key::max_age(stack);
    let store_error = layers.store_error.take();
    let resolved = layers.resolve();
    let info = match &resolved {
        Ok(resolved) => resolved.key_info().ok().flatten(),
        Err(_) => None,
    };
    status.key = info.as_ref().map(key::KeyFacts::of);
    context.printer().report(&status, "keys", |screen| {
        lines(&status, info.as_ref(), screen)
    })?;
    // A problem with the active key is the result of the command.
    if let Some(error) = store_error {
        return Err(error.into());
    }
    let resolved = resolved?;
    if let Some(warning) = resolved.check_key()? {
        context.note(&format!("warning: {warning}"));
    }
    let is_saved = status.has_saved_key();
    if let (Some(info), Some(max_age)) = (&info, max_age)
        && let Some(warning) = key::warning(info, is_saved, max_age)
    {
        context.note(&format!("warning: {warning}"));
    }
    let has_key = status
        .keys
        .iter()
        .any(|place| place.state == SourceState::Used);
    if !has_key && !test_mode {
        return Err(resolved.missing_key().into());
    }
    match &arguments.fail_if_older_than {
        Some(limit) if !test_mode => key::check_age(context, info, is_saved, limit),
        Some(_) | None => Ok(()),
    }
}

fn lines(status: &Status, info: Option<&KeyInfo>, screen: &Screen) -> Vec<String> {
    let mut lines = Vec::new();
    if !status.keys.is_empty() {
        let columns = [
            Column::whole("SETTING"),
            Column::whole("VALUE"),
            Column::text("SOURCE"),
            Column::whole("STATE"),
        ];
        let rows = status.keys.iter().map(|place| {
            let value = place.value.clone().unwrap_or_else(|| "-".to_owned());
            let state = match place.storage {
                Some(storage) => format!("{}, stored in {storage}", place.state.as_str()),
                None => place.state.as_str().to_owned(),
            };
            [place.setting.to_owned(), value, place.source.clone(), state]
        });
        lines = Table::new(columns, rows).lines(screen);
    }
    let server = status.base_url.as_deref().unwrap_or("(invalid)");
    let from = status.base_url_source.as_deref().unwrap_or("default");
    let is_saved = status.has_saved_key();
    lines.extend(info.map_or_else(Vec::new, |info| key::lines(info, is_saved, screen)));
    lines.push(format!("Server: {server} ({from})"));
    if let Some(store) = &status.store {
        lines.push(format!("Credential file: {store}"));
    }
    if status.test_mode {
        lines.push("Test mode is on: no requests are sent".to_owned());
    }
    lines
}

/// Returns the entry for a key in the keyring that was not read, because another key is used, because test mode is on,
/// or because the keyring refused it.
fn hidden_keyring_key(layers: &Layers, wins: bool) -> Option<KeySource> {
    let profile = layers.profile.as_ref()?;
    let has_key = |name| {
        let stored = layers.stack.explain_one(name);
        let shadowed = stored.shadowed.iter().map(|other| &other.provenance);
        std::iter::once(&stored.provenance)
            .chain(shadowed)
            .any(|place| place.source() == Source::Stored)
    };
    if profile.storage == Storage::File || has_key(names::API_KEY) {
        return None;
    }
    let place = Location::Profile(profile.name.clone());
    Some(KeySource {
        setting: names::API_KEY.as_str(),
        value: None,
        source: Provenance::new(Source::Stored, Some(place)).to_string(),
        state: if layers.store_error.is_some() {
            SourceState::Invalid
        } else if wins {
            SourceState::Used
        } else {
            SourceState::Shadowed
        },
        storage: Some(kept_in(profile.storage)),
    })
}

fn kept_in(storage: Storage) -> &'static str {
    match storage {
        Storage::Keyring => "the keyring",
        Storage::File | _ => "a plain-text file",
    }
}

/// Returns the sources of one setting, highest precedence first. `loses` is true if another setting takes precedence.
fn places(explained: &Explanation, profile: Option<&ProfileEntry>, loses: bool) -> Vec<KeySource> {
    let place = |value: &RedactedValue, provenance: &Provenance, state| KeySource {
        setting: explained.name.as_str(),
        value: value.text(redact),
        source: provenance.to_string(),
        state: match value {
            RedactedValue::Invalid(_) => SourceState::Invalid,
            RedactedValue::Plain(_) | RedactedValue::Secret(_) | RedactedValue::Unset | _ => state,
        },
        storage: profile
            .filter(|_| provenance.source() == Source::Stored)
            .map(|profile| kept_in(profile.storage)),
    };
    let first = if loses {
        SourceState::Shadowed
    } else {
        SourceState::Used
    };
    let winner = explained
        .is_set()
        .then(|| place(&explained.value, &explained.provenance, first));
    let shadowed = explained.shadowed.iter();
    let shadowed =
        shadowed.map(|other| place(&other.value, &other.provenance, SourceState::Shadowed));
    winner.into_iter().chain(shadowed).collect()
}
