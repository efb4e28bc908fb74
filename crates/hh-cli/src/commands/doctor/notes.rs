//! Finds likely mistakes that are not failures.

use hh_sdk::auth::{ApiKey, KeyKind};
use hh_sdk::config::{SettingName, Source, names};
use hh_sdk::tooling::{self, Layers};
use secrecy::ExposeSecret as _;

use crate::context::Context;

/// The settings for keys and the kinds of keys that they accept.
const OWN_PLACES: [(SettingName, &[KeyKind]); 4] = [
    (names::API_KEY, &[KeyKind::Project, KeyKind::ReadOnly]),
    (names::INGESTION_API_KEY, &[KeyKind::Ingestion]),
    (names::DATA_PLANE_API_KEY, &[KeyKind::DataPlane]),
    (names::CONTROL_PLANE_API_KEY, &[KeyKind::ControlPlane]),
];

/// The variable for API keys in the documentation recipes, which HoneyHive does not read.
const RECIPE: &str = "HH_TEST_API_KEY";

/// Returns the notes about likely mistakes.
pub(super) fn find(context: &Context, layers: &Layers) -> Vec<String> {
    let mut notes = Vec::new();
    let env = context.env();
    let stack = &layers.stack;
    let winner = |name| stack.candidates(name).winner;
    let is_set = |name| winner(name).is_some();
    let text = |name| stack.text(name).ok().flatten();
    let is_recipe_key = env.get(RECIPE).is_some() && !is_set(names::API_KEY);
    if is_recipe_key {
        notes.push(format!(
            "{RECIPE} is set, but HH_API_KEY is not: HoneyHive does not read {RECIPE}; add `HH_API_KEY: $HH_TEST_API_KEY` to the pipeline configuration"
        ));
    }
    // Only checks whether it is set, never its value (docs/design/decisions.md#p10).
    if env.get("TRACELOOP_API_KEY").is_some() {
        notes.push(
            "TRACELOOP_API_KEY is set: HoneyHive does not read it, but an OpenLLMetry SDK in the same program uses it to send spans to another server".to_owned(),
        );
    }
    if context.global().api_key.is_some() {
        notes.push(
            "the key is from --api-key, which is visible to other users of this machine; use HH_API_KEY instead".to_owned(),
        );
    }
    notes.extend(OWN_PLACES.iter().filter_map(|(name, kinds)| {
        let kind = kind_of(layers, *name).filter(|kind| !kinds.contains(kind))?;
        let own = OWN_PLACES.iter().find(|(_, kinds)| kinds.contains(&kind))?;
        let place = winner(*name)?.provenance();
        Some(format!(
            "{name} ({place}) contains a key of another kind ({}), which belongs in {}",
            kind.as_str(),
            own.0
        ))
    }));
    let proxies = [names::PROXY_URL, names::HTTPS_PROXY, names::ALL_PROXY];
    let has_proxy = proxies.into_iter().any(is_set);
    let is_https = text(names::BASE_URL).is_none_or(|found| found.value.starts_with("https:"));
    if let Some(found) = text(names::HTTP_PROXY).filter(|_| is_https && !has_proxy) {
        notes.push(format!(
            "http_proxy ({}) is set, but https_proxy is not: requests use HTTPS, so no proxy is used; set https_proxy to use one",
            found.provenance
        ));
    }
    if let Some(found) = text(names::VERIFY_SSL).filter(|found| found.value == "false") {
        notes.push(format!(
            "verify_ssl ({}) is off, so others on the network can read the API key; set ca_bundle to trust your certificate authority instead",
            found.provenance
        ));
    }
    notes.extend(shadowed_login(layers));
    // The warnings of all commands, except the one that a note above replaces.
    let stack = stack.clone();
    notes.extend(tooling::warnings(&if is_recipe_key {
        stack.with_accepted_name(RECIPE)
    } else {
        stack
    }));
    notes
}

/// Returns a note if another key takes precedence over the saved one.
fn shadowed_login(layers: &Layers) -> Option<String> {
    let candidates = layers.stack.candidates(names::API_KEY);
    let mut shadowed = candidates.shadowed.iter();
    let is_hidden = shadowed.any(|place| place.provenance().source() == Source::Stored);
    let winner = candidates.winner.filter(|_| is_hidden)?;
    let profile = layers.profile.as_ref()?;
    Some(format!(
        "profile \"{}\" is not used: the key from {} takes precedence",
        profile.name,
        winner.provenance()
    ))
}

/// Returns the kind of the key that a setting contains.
#[expect(
    clippy::disallowed_methods,
    reason = "the raw setting is parsed as an ApiKey, of which only the kind is used"
)]
fn kind_of(layers: &Layers, name: SettingName) -> Option<KeyKind> {
    let raw = layers.stack.candidates(name).winner?.raw().ok()?;
    let key = ApiKey::parse(raw.expose_secret()).ok()?;
    Some(key.kind())
}
