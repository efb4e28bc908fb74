//! Checks configuration files: any file is read or rejected with short messages that do not contain its secrets, and an
//! edit changes only the edited setting.

use std::collections::BTreeMap;
use std::path::Path;

use hh_config::{Edit, Env, Layer, LoadError, RedactedValue, SettingName, Stack, names};
use secrecy::SecretString;

/// The beginning of the API keys in a file. The digit distinguishes them from names, which messages may contain.
const CANARY: &str = "hh_canary0";

/// An API key that is only in the environment.
const ENV_CANARY: &str = "hh_environment0canary0only0in0variables";

/// The maximum length of a message, in characters.
const LONGEST: usize = 1_400;

/// Settings of several kinds, each with a value to set.
const EDITS: [(SettingName, &str); 5] = [
    (names::PROJECT, "search"),
    (names::API_KEY, "hh_edited \"#: \\ $${x} \u{fc}"),
    (names::TIMEOUT, "12.5"),
    (names::VERIFY_SSL, "true"),
    (names::SENSITIVE_KEYS, "[\"a\",\"b, c\"]"),
];

/// Checks one file. The first byte selects the format: `y`, `j`, `t`, or for any other byte its remainder modulo 3. The
/// rest is the text of the file.
///
/// # Panics
/// Panics if a check fails.
pub fn file_layer(data: &[u8]) {
    let Some((format, text)) = data.split_first() else {
        return;
    };
    // Text that is not UTF-8 is rejected before it is parsed.
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let name = match (format, format % 3) {
        (b'y', _) => "c.yaml",
        (b'j', _) => "c.json",
        (b't', _) => "c.toml",
        (_, 0) => "c.yml",
        (_, 1) => "c.json",
        (_, _) => "c.toml",
    };
    let file = File {
        path: Path::new(name),
        env: env(),
        text,
    };
    let stack = file.stack(text);
    file.is_reported_safely(&stack);
    let before = values(&stack);
    for (setting, value) in EDITS {
        // All settings that the text does not contain are inserted in the same way, so one of them is enough.
        if setting == names::PROJECT || text.contains(setting.as_str()) {
            file.is_edited_well(&before, setting, value);
        }
    }
}

fn env() -> Env {
    let pairs = [
        ("HH_REGION", "eu"),
        ("HH_NESTED", "${HH_REGION} $<HH_API_KEY>"),
        ("HH_API_KEY", ENV_CANARY),
        ("DEPLOY_TOKEN", ENV_CANARY),
    ];
    // Paths in a file are relative to the file. This directory does not exist.
    Env::from_pairs(pairs).with_working_dir("/nonexistent")
}

struct File<'a> {
    path: &'a Path,
    env: Env,
    text: &'a str,
}

impl File<'_> {
    fn stack(&self, text: &str) -> Stack {
        Stack::of_text(&self.env, self.path, text)
    }

    /// Checks that every message is a short line, and that nothing that is printed contains a key.
    fn is_reported_safely(&self, stack: &Stack) {
        let problems = stack.problems();
        for message in problems.iter().map(ToString::to_string) {
            self.is_good_message(&message);
        }
        for warning in stack.warnings() {
            self.is_good_message(&warning);
        }
        if let Some(error) = LoadError::of_all(problems) {
            is_one_line(&error.to_string());
            self.hides_keys(&format!("{error:?}"));
        }
        self.hides_keys(&format!("{stack:?}"));
        for explained in stack.explain().iter().filter(|one| one.is_set()) {
            let candidates = stack.candidates(explained.name);
            self.hides_keys(&format!("{candidates:?}"));
            let debug = format!("{explained:?}");
            self.hides_variables(&debug);
            if explained.name.spec().secret {
                self.hides_keys(&debug);
            }
            let places = explained.shadowed.iter().map(|shadowed| &shadowed.value);
            for shown in places.chain([&explained.value]) {
                self.is_masked(shown);
            }
        }
    }

    fn is_good_message(&self, message: &str) {
        is_one_line(message);
        let length = message.chars().count();
        assert!(length <= LONGEST, "{length} characters: {message:?}");
        self.hides_keys(message);
    }

    fn hides_keys(&self, shown: &str) {
        assert!(!is_key_in(shown), "a key is shown: {shown}");
        self.hides_variables(shown);
    }

    /// Checks that no output contains the value of a secret variable.
    fn hides_variables(&self, shown: &str) {
        let is_there = shown.contains(ENV_CANARY);
        let is_own = self.text.contains("hh_environment0");
        assert!(!is_there || is_own, "a variable is shown: {shown}");
    }

    /// Checks that a key in a setting that is not secret is redacted in output.
    fn is_masked(&self, shown: &RedactedValue) {
        let Some(text) = shown.text(|_| "***".to_owned()) else {
            return;
        };
        self.hides_variables(&text);
        assert!(!is_key_in(&text), "a key is not redacted: {text}");
    }

    fn is_edited_well(&self, before: &Values, setting: SettingName, value: &str) {
        let set = Edit::Set(SecretString::from(value));
        let Some(text) = self.edited(self.text, setting, &set) else {
            // A setting that cannot be set may still be removed.
            if let Some(text) = self.edited(self.text, setting, &Edit::Unset) {
                self.holds(&text, before, setting, None);
            }
            return;
        };
        let wanted = value.replace("$${", "${");
        self.holds(&text, before, setting, Some(&wanted));
        if let Some(text) = self.edited(&text, setting, &Edit::Unset) {
            self.holds(&text, before, setting, None);
        }
    }

    /// Checks that an edited text has the new value, and that all other values are unchanged.
    fn holds(&self, text: &str, before: &Values, setting: SettingName, wanted: Option<&str>) {
        let mut expected = before.clone();
        expected.remove(&setting);
        expected.extend(wanted.map(|wanted| (setting, Ok(wanted.to_owned()))));
        let after = values(&self.stack(text));
        assert_eq!(after, expected, "after an edit of {setting}: {text:?}");
    }

    fn edited(&self, text: &str, setting: SettingName, edit: &Edit) -> Option<String> {
        match hh_config::edit(self.path, text, setting, edit) {
            Ok(text) => Some(text),
            Err(error) => {
                self.is_good_message(&error.to_string());
                None
            }
        }
    }
}

/// Returns whether a text contains a key as a separate word. A key before a `*` is redacted, and a key that another
/// character shortens does not count.
fn is_key_in(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.match_indices(CANARY).any(|(at, _)| {
        let after = text[at..].trim_start_matches(is_word);
        let word = &text[at..text.len() - after.len()];
        let is_whole = word.split(['_', '-']).any(|part| part.len() >= 16);
        is_whole && !text[..at].ends_with(is_word) && !after.starts_with('*')
    })
}

fn is_one_line(message: &str) {
    // Control characters could also change what a terminal shows.
    let is_plain = !message.contains(char::is_control);
    assert!(is_plain, "more than plain text on one line: {message:?}");
}

/// The settings of a file, each with its text or an error.
type Values = BTreeMap<SettingName, Result<String, ()>>;

fn values(stack: &Stack) -> Values {
    #[expect(
        clippy::disallowed_methods,
        reason = "the values are generated and only compared here"
    )]
    let text = |raw: &SecretString| secrecy::ExposeSecret::expose_secret(raw).to_owned();
    let names = stack.layers().iter().flat_map(Layer::names);
    let values = names.filter_map(|name| {
        let raw = stack.candidates(name).winner?.raw();
        Some((name, raw.map(text).map_err(|_| ())))
    });
    values.collect()
}
