//! No secret is printed, wherever it stands.

use std::collections::BTreeMap;

use hh_config::{
    Config, Env, Explanation, Layer, LoadError, LoadOptions, Problem, RedactedValue, SettingName,
    Settings, Stack, escape, names,
};
use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::SecretString;
use tempfile::TempDir;

use super::{file_of, found, quoted, write};

/// Where a secret is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SecretPlace {
    Direct,
    Variable,
    FileOfVariable,
    DotEnv,
    Named,
    FileOfNamed,
    SubstitutedInNamed,
    User,
    Stored,
}

const SPOTS: [SecretPlace; 9] = [
    SecretPlace::Direct,
    SecretPlace::Variable,
    SecretPlace::FileOfVariable,
    SecretPlace::DotEnv,
    SecretPlace::Named,
    SecretPlace::FileOfNamed,
    SecretPlace::SubstitutedInNamed,
    SecretPlace::User,
    SecretPlace::Stored,
];

fn secrets() -> Vec<SettingName> {
    SettingName::all()
        .filter(|name| name.spec().secret)
        .collect()
}

/// What makes a file another one, or none, wherever it is put in.
const JUNK: [&str; 18] = [
    "{", "}", "[", "]", "\"", "'", ":", "\n", ",", "&a ", "*a ", "\t", "- ", "|", "#", "=", "\0",
    "---\n",
];

/// A line of YAML with an API key, `%`, where none belongs.
const ODD_LINES: [&str; 26] = [
    "api_key: ${%}",
    "%",
    "%: x",
    "\"api key %\": x",
    "api_key %",
    "api_key=%",
    "# %",
    "- %",
    "\t%: x",
    "api_key_file: %",
    "api_key: [%]",
    "api_key: {a: %}",
    "api_key: % x: y",
    "api_key: !% x",
    "api_key: *%",
    "api_key: &% x",
    "api_key: \"%",
    "timeout: %",
    "debug: %",
    "base_url: https://u:%@host",
    "log_level: %",
    "max_retries: [%]",
    "sensitive_keys: [%, 1]",
    "environments: %",
    "environments: {%: 1}",
    "source: \"${HH_UNSET:?%}\"",
];

/// A line of a `.env` file, or a variable, with an API key where none belongs.
const ODD_VARIABLES: [&str; 10] = [
    "%",
    "HH_API_KEY %",
    "HH_API_KEY=\"%",
    "HH_API_KEY='%' x",
    "=%",
    "%=x",
    "HH_TIMEOUT=%",
    "HH_API_KEY_FILE=%",
    "HH_BASE_URL=https://%@host",
    "HH_OTLP_HEADERS=%",
];

/// Everything that is loaded, and the texts that it is loaded from.
struct Loaded {
    /// The files that it is read from.
    _dir: TempDir,
    inputs: String,
    env: Env,
    options: LoadOptions,
    stack: Stack,
}

type Given = BTreeMap<(SettingName, SecretPlace), String>;

/// Loads secrets from their places; `spoil` gets the text of the named file, `odd` is a variable of the environment or
/// the rest of the `.env` file.
fn load(
    given: &Given,
    extension: &str,
    spoil: impl FnOnce(String) -> String,
    (odd, is_in_env): (&str, bool),
) -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let mut env = BTreeMap::new();
    let mut pairs = Vec::new();
    let (mut user, mut dotenv, mut inputs) = (String::new(), String::new(), String::new());
    let (mut options, mut stored) = (LoadOptions::new(), Vec::new());
    for (at, ((name, spot), secret)) in given.iter().enumerate() {
        let variable = name.spec().variables[0];
        let value = if *name == names::OTLP_HEADERS {
            format!("{{\"authorization\":\"{secret}\"}}")
        } else {
            secret.clone()
        };
        let file = || write(&dir, &format!("secret{at}"), &value);
        match spot {
            SecretPlace::Direct => options = options.with(*name, value.as_str()),
            SecretPlace::Variable => drop(env.insert(variable.to_owned(), value.clone())),
            SecretPlace::FileOfVariable => drop(env.insert(format!("{variable}_FILE"), file())),
            SecretPlace::DotEnv => dotenv.extend([variable, "='", &value, "'\n"]),
            SecretPlace::Named => pairs.push((name.to_string(), escape(&value))),
            SecretPlace::FileOfNamed => pairs.push((format!("{name}_file"), file())),
            SecretPlace::SubstitutedInNamed => {
                env.insert(format!("HH_SECRET_{at}"), value.clone());
                pairs.push((name.to_string(), format!("${{HH_SECRET_{at}}}")));
            }
            SecretPlace::User => {
                user.extend([name.as_str(), ": ", &quoted(&escape(&value)), "\n"]);
            }
            SecretPlace::Stored => stored.push((*name, SecretString::from(value.as_str()))),
        }
        inputs.push_str(&value);
    }
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), quoted(value)))
        .collect();
    let named = spoil(file_of(extension, &pairs));
    match odd.split_once('=') {
        Some((name, value)) if is_in_env && name.starts_with("HH_") => {
            drop(env.insert(name.to_owned(), value.trim().to_owned()));
        }
        _ => dotenv.push_str(odd),
    }
    inputs.extend([named.as_str(), odd]);
    let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
    set("XDG_CONFIG_HOME", dir.path().display().to_string());
    set(
        "HH_CONFIG_FILE",
        write(&dir, &format!("named.{extension}"), &named),
    );
    set("HH_ENV_FILE", write(&dir, "c.env", &dotenv));
    if !user.is_empty() {
        std::fs::create_dir(dir.path().join("honeyhive")).unwrap();
        write(&dir, "honeyhive/config.yaml", &user);
    }
    let env = Env::from_pairs(env);
    let stack = Stack::load(&env, options.clone()).with(Layer::stored("default", stored));
    Loaded {
        _dir: dir,
        inputs,
        env,
        options,
        stack,
    }
}

impl Loaded {
    /// Whether a secret was read as a value.
    fn holds(&self, secret: &str) -> bool {
        let mut found = SettingName::all().flat_map(|name| found(&self.stack, name));
        found.any(|(_, value)| value.is_some_and(|value| value.contains(secret)))
    }

    /// All that may be printed of it.
    fn printed(&self) -> String {
        let Self {
            env,
            options,
            stack,
            ..
        } = self;
        let mask = |_: &str| "***".to_owned();
        let mut all = format!("{env:?}{options:?}{stack:?}{:?}", stack.warnings());
        let mut add = |printed: String| all.push_str(&printed);
        let problem = |problem: &Problem| format!("{problem}{problem:?}{:?}", problem.provenance());
        let error = |error: &LoadError| format!("{error}{error:?}{:?}", error.provenance());
        for layer in stack.layers() {
            add(format!(
                "{layer:?}{:?}{:?}",
                layer.problems(),
                layer.warnings()
            ));
        }
        for found in stack.problems() {
            add(problem(&found));
        }
        for explained in stack.explain() {
            let Explanation {
                name,
                value,
                provenance,
                shadowed,
                ..
            } = &explained;
            let candidates = stack.candidates(*name);
            add(format!(
                "{candidates:?}{provenance}{provenance:?}{}",
                provenance.label()
            ));
            if name.spec().secret {
                // The `Debug` of all others shows the value, so that a key in the wrong setting is in it.
                add(format!(
                    "{explained:?}{}",
                    error(&stack.text(*name).unwrap_err())
                ));
            }
            for value in shadowed
                .iter()
                .map(|shadowed| &shadowed.value)
                .chain([value])
            {
                add(value.text(mask).unwrap_or_default());
                if let RedactedValue::Invalid(found) = value {
                    add(problem(found));
                }
            }
        }
        match Settings::from_stack(stack) {
            Ok(settings) => add(format!("{settings:?}")),
            Err(found) => add(error(&found)),
        }
        match Config::of(stack, mask) {
            Ok(config) => add(format!("{config}{config:?}")),
            Err(found) => add(error(&found)),
        }
        match stack.extract::<serde_json::Value>() {
            Ok(json) => add(json.to_string()),
            Err(found) => add(error(&found)),
        }
        all
    }
}

proptest! {
    /// Property 6, where all is in its place.
    #[test]
    fn no_secret_is_printed(
        // Escapes would hide it from the search.
        given in btree_map((select(secrets()), select(SPOTS.to_vec())), "[A-Za-z0-9+/=._~-]{16,40}", 1..5),
        extension in select(vec!["yaml", "json", "toml"]),
    ) {
        let loaded = load(&given, extension, |text| text, ("", false));
        let printed = loaded.printed();
        let is_wrong = !loaded.stack.problems().is_empty();
        for secret in given.values() {
            prop_assert!(loaded.holds(secret) || is_wrong, "{} is there to be printed", secret);
            prop_assert!(!printed.contains(secret.as_str()), "{} in {}", secret, printed);
        }
    }

    /// Property 6, where a file is broken, or the API key stands where none belongs.
    #[test]
    fn no_secret_is_printed_of_broken_files(
        given in btree_map((select(secrets()), select(SPOTS.to_vec())), "hh_[A-Za-z0-9]{32}[0-9]", 1..4),
        extension in select(vec!["yaml", "json", "toml"]),
        at in any::<prop::sample::Index>(),
        (junk, odd) in prop_oneof![
            select(JUNK.to_vec()).prop_map(|junk| (Some(junk), None)),
            select(ODD_LINES.to_vec()).prop_map(|odd| (None, Some(odd))),
        ],
        (odd_variable, is_in_env) in (option::of(select(ODD_VARIABLES.to_vec())), any::<bool>()),
        key in "hh_[A-Za-z0-9]{32}[0-9]",
    ) {
        let line = |odd: &str| format!("{}\n", odd.replace('%', &key));
        let odd_variable = odd_variable.map(line).unwrap_or_default();
        let extension = odd.map_or(extension, |_| "yaml");
        let loaded = load(&given, extension, |mut text| {
            if let Some(junk) = junk {
                text.insert_str(at.index(text.len() + 1), junk);
            }
            odd.map_or(text.clone(), |odd| text + &line(odd))
        }, (&odd_variable, is_in_env));
        let printed = loaded.printed();
        for secret in given.values().chain([&key]) {
            let is_there = loaded.holds(secret) || loaded.inputs.contains(secret.as_str());
            let is_given = *secret != key || odd.is_some() || !odd_variable.is_empty();
            prop_assert!(is_there || !is_given || junk.is_some(), "{} is there to be printed", secret);
            prop_assert!(!printed.contains(secret.as_str()), "{} in {}", secret, printed);
        }
    }
}
