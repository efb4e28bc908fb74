//! What holds for any settings in any places.

mod round_trip;
mod secrets;

use std::collections::BTreeMap;

use hh_config::{
    Env, Explanation, Layer, LoadOptions, RedactedValue, SettingName, Settings, Source, Stack,
    escape, names, substitute,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use secrecy::SecretString;

use super::{revealed, write};

/// Text as people write it, and text of any letters, never blank.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{1,24}", "\\PC{1,24}"].prop_filter("blank", |text| !text.trim().is_empty())
}

/// Text with much in it that substitution looks at.
fn dollars() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            "\\PC{1,8}",
            "[A-Z{}<>$:?-]{1,8}",
            select(vec!["$", "$$", "${", "$<", "$${", "${HH_A}", "\n", "\0"])
                .prop_map(str::to_owned),
        ],
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    /// Property 3.
    #[test]
    fn text_without_a_dollar_is_unchanged_and_escape_is_undone(text in dollars()) {
        let env = Env::from_pairs([("HH_A", "never")]);
        let plain = text.replace('$', "");
        let done = substitute(&plain, &env).unwrap();
        prop_assert_eq!(&*done.text, &plain);
        prop_assert_eq!(done.variables, [""; 0]);

        let done = substitute(&escape(&text), &env).unwrap();
        prop_assert_eq!(&*done.text, &text);
        prop_assert_eq!(done.variables, [""; 0]);
    }

    /// Property 4.
    #[test]
    fn a_value_that_was_put_in_is_not_expanded(
        value in dollars().prop_filter("blank", |text| !text.trim().is_empty()),
        around in ["[a-z ]{0,8}", "[a-z ]{0,8}", "[a-z ]{0,8}"],
        form in select(vec![("${HH_V", "}"), ("$<HH_V", ">")]),
        default in select(vec!["", ":-default", ":?message"]),
    ) {
        let value = value.replace('\0', "");
        let env = Env::from_pairs([("HH_V", value.as_str()), ("HH_A", "never"), ("A", "never")]);
        let variable = format!("{}{default}{}", form.0, form.1);
        let [before, between, after] = around;
        let written = format!("{before}{variable}{between}{variable}{after}");
        let value = value.trim();
        prop_assume!(!value.is_empty());
        let expected = format!("{before}{value}{between}{value}{after}");
        prop_assert_eq!(&*substitute(&written, &env).unwrap().text, &expected);

        // The same through a file, and in variables themselves, which nothing expands.
        let file = format!("session_name: {}\n", quoted(&written));
        let stack = Stack::of_text(&env, "c.yaml".as_ref(), &file);
        let found = stack.text(names::SESSION_NAME).unwrap().unwrap();
        prop_assert_eq!(found.value, expected.trim());
        let stack = Stack::load(&Env::from_pairs([("HH_SOURCE", value)]), LoadOptions::new());
        prop_assert_eq!(stack.text(names::SOURCE).unwrap().unwrap().value, value);
    }
}

/// Every source, lowest first.
const SOURCES: [Source; 10] = [
    Source::Default,
    Source::Stored,
    Source::System,
    Source::User,
    Source::Project,
    Source::Named,
    Source::Overlay,
    Source::DotEnv,
    Source::Env,
    Source::Direct,
];

/// Settings of several kinds, with and without a default, one of them a secret.
const SETTINGS: [SettingName; 7] = [
    names::PROJECT,
    names::SOURCE,
    names::SESSION_NAME,
    names::TIMEOUT,
    names::MAX_RETRIES,
    names::BATCH_SIZE,
    names::API_KEY,
];

/// The value that a source gives to a setting: another one for every source.
fn value(name: SettingName, source: Source) -> String {
    let rank = SOURCES.iter().position(|known| *known == source).unwrap();
    match name {
        names::TIMEOUT | names::BATCH_SIZE => (rank + 7).to_string(),
        names::MAX_RETRIES => rank.to_string(),
        names::API_KEY => format!("hh_{rank:032}"),
        _ => format!("{name} {rank}"),
    }
}

/// How a file has a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum FileForm {
    Plain,
    /// As the default of a variable that is not set.
    Substituted,
    /// As a variable that is not set.
    Broken,
}

/// Which source sets which settings.
#[derive(Clone, Debug)]
struct Scenario {
    layers: BTreeMap<Source, BTreeMap<SettingName, FileForm>>,
    /// A named file takes the project file's place.
    is_named: bool,
    /// The overlay is a part of that file.
    is_inside: bool,
}

fn scene() -> impl Strategy<Value = Scenario> {
    let written = prop_oneof![
        6 => Just(FileForm::Plain),
        2 => Just(FileForm::Substituted),
        1 => Just(FileForm::Broken),
    ];
    let layer = vec(option::weighted(0.4, written), SETTINGS.len());
    // A layer that sets nothing is not there.
    let layers = vec(option::weighted(0.7, layer), SOURCES.len() - 2);
    (layers, any::<[bool; 2]>()).prop_map(|(layers, [is_named, is_inside])| {
        let taken = if is_named {
            Source::Project
        } else {
            Source::Named
        };
        let sources = SOURCES
            .iter()
            .filter(|source| ![Source::Default, taken].contains(source));
        let layers = sources.zip(layers).map(|(source, layer)| {
            let settings = SETTINGS.iter().zip(layer.into_iter().flatten());
            let settings = settings.filter_map(|(name, written)| Some((*name, written?)));
            (*source, settings.collect())
        });
        Scenario {
            layers: layers.collect(),
            is_named,
            is_inside,
        }
    })
}

impl Scenario {
    fn without(&self, source: Source) -> Self {
        let mut scene = self.clone();
        scene.layers.remove(&source);
        scene
    }

    fn settings(&self, source: Source) -> impl Iterator<Item = (SettingName, FileForm)> {
        self.layers
            .get(&source)
            .into_iter()
            .flatten()
            .map(|(name, written)| (*name, *written))
    }

    /// The sources that set a setting, highest first, each with its value if it has one.
    fn expected(&self, name: SettingName) -> Vec<(Source, Option<String>)> {
        let places = self.layers.iter().rev();
        let places = places.filter_map(|(source, settings)| {
            let written = settings.get(&name)?;
            let is_file = (Source::System..=Source::Overlay).contains(source);
            let is_broken = is_file && *written == FileForm::Broken;
            Some((*source, (!is_broken).then(|| value(name, *source))))
        });
        places.collect()
    }

    /// Lines of YAML.
    fn lines(&self, source: Source, indent: &str) -> String {
        let lines = self.settings(source).map(|(name, written)| {
            let value = value(name, source);
            match written {
                FileForm::Plain => format!("{indent}{name}: {value:?}\n"),
                FileForm::Substituted => format!("{indent}{name}: ${{HH_UNSET:-{value}}}\n"),
                FileForm::Broken => format!("{indent}{name}: ${{HH_UNSET}}\n"),
            }
        });
        lines.collect()
    }

    /// Writes the files and loads everything.
    fn load(&self) -> Stack {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let variable = |name: SettingName| name.spec().variables[0].to_owned();
        let mut env: BTreeMap<_, _> = self
            .settings(Source::Env)
            .map(|(name, _)| (variable(name), value(name, Source::Env)))
            .collect();
        let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
        set("XDG_CONFIG_HOME", path.display().to_string());
        for (source, folder) in [(Source::System, "system"), (Source::User, "honeyhive")] {
            let lines = self.lines(source, "");
            if !lines.is_empty() {
                std::fs::create_dir(path.join(folder)).unwrap();
                write(&dir, &format!("{folder}/config.yaml"), &lines);
            }
        }
        let (base, stem) = if self.is_named {
            (Source::Named, "named")
        } else {
            (Source::Project, "honeyhive")
        };
        let mut lines = self.lines(base, "");
        let overlay = self.lines(Source::Overlay, "    ");
        if !overlay.is_empty() {
            set("HH_ENVIRONMENT", "prod".to_owned());
            if self.is_inside {
                lines.push_str("environments:\n  prod:\n");
                lines.push_str(&overlay);
            } else {
                let overlay = self.lines(Source::Overlay, "");
                write(&dir, &format!("{stem}.prod.yaml"), &overlay);
            }
        }
        if self.is_named {
            set("HH_CONFIG_FILE", write(&dir, "named.yaml", &lines));
        } else if !lines.is_empty() {
            write(&dir, "honeyhive.yaml", &lines);
        }
        let dotenv = self.settings(Source::DotEnv);
        let dotenv = dotenv
            .map(|(name, _)| format!("{}='{}'\n", variable(name), value(name, Source::DotEnv)));
        let dotenv: String = dotenv.collect();
        if !dotenv.is_empty() {
            set("HH_ENV_FILE", write(&dir, "c.env", &dotenv));
        }
        let env = Env::from_pairs(env)
            .with_working_dir(path)
            .with_system_dir(path.join("system"));
        let direct = self.settings(Source::Direct);
        let options = direct.fold(LoadOptions::new(), |options, (name, _)| {
            options.with(name, value(name, Source::Direct))
        });
        let stored = self.settings(Source::Stored);
        let stored =
            stored.map(|(name, _)| (name, SecretString::from(value(name, Source::Stored))));
        Stack::load(&env, options).with(Layer::stored("default", stored))
    }
}

/// Every place that sets a setting, highest first, each with its value if it has one.
fn found(stack: &Stack, name: SettingName) -> Vec<(Source, Option<String>)> {
    let candidates = stack.candidates(name);
    let all = candidates.winner.iter().chain(&candidates.shadowed);
    let all = all.map(|candidate| {
        let raw = candidate.raw().ok();
        (
            candidate.provenance().source(),
            raw.map(|raw| revealed(raw).to_owned()),
        )
    });
    all.collect()
}

proptest! {
    /// Property 1.
    #[test]
    fn the_winner_is_the_highest_source_that_sets_it(scene in scene()) {
        let stack = scene.load();
        for name in SETTINGS {
            let expected = scene.expected(name);
            prop_assert_eq!(found(&stack, name), expected.clone(), "{}", name);
            let highest = expected.first().map_or(Source::Default, |(source, _)| *source);
            prop_assert_eq!(stack.explain_one(name).provenance.source(), highest);
        }
    }

    /// Property 2.
    #[test]
    fn a_lower_layer_never_changes_a_value_that_is_set(scene in scene(), at in 1..SOURCES.len()) {
        let added = SOURCES[at];
        let (before, after) = (scene.without(added).load(), scene.load());
        for name in SETTINGS {
            let (before, mut after) = (found(&before, name), found(&after, name));
            if before.first().is_some_and(|(source, _)| *source > added) {
                prop_assert_eq!(before.first(), after.first(), "{} under {:?}", name, added);
            }
            after.retain(|(source, _)| *source != added);
            prop_assert_eq!(before, after, "{} in all other places", name);
        }
    }

    /// Property 5.
    #[test]
    fn what_is_explained_is_what_is_in_effect(scene in scene()) {
        let stack = scene.load();
        for name in SettingName::all() {
            let explained = stack.explain_one(name);
            let in_effect = if name.spec().secret {
                stack.secret(name).map(|found| found.map(|found| (revealed(&found.value).to_owned(), found.provenance)))
            } else {
                stack.text(name).map(|found| found.map(|found| (found.value, found.provenance)))
            };
            match in_effect {
                Ok(Some((text, provenance))) => {
                    prop_assert_eq!(plain(&explained), Some(text), "{}", name);
                    prop_assert_eq!(&explained.provenance, &provenance, "{}", name);
                }
                Ok(None) => prop_assert!(matches!(explained.value, RedactedValue::Unset), "{}", name),
                Err(error) => {
                    let RedactedValue::Invalid(problem) = &explained.value else {
                        return Err(TestCaseError::fail(format!("{name} has a value, but {error}")));
                    };
                    prop_assert_eq!(problem.to_string(), error.to_string(), "{}", name);
                    prop_assert_eq!(Some(&explained.provenance), error.provenance(), "{}", name);
                }
            }
        }
        let is_broken = SETTINGS.iter().any(|name| matches!(scene.expected(*name).first(), Some((_, None))));
        let settings = Settings::from_stack(&stack);
        prop_assert_eq!(settings.is_err(), is_broken);
        for (name, typed) in settings.iter().flat_map(typed) {
            let explained = stack.explain_one(name);
            let expected = plain(&explained).map(|text| (text, explained.provenance));
            prop_assert_eq!(typed, expected, "{}", name);
        }
    }
}

/// The text of an explained value, a secret one as well.
fn plain(explained: &Explanation) -> Option<String> {
    match &explained.value {
        RedactedValue::Plain(text) => Some(text.clone()),
        RedactedValue::Secret(secret) => Some(revealed(secret).to_owned()),
        RedactedValue::Invalid(_) | RedactedValue::Unset | _ => None,
    }
}

type Typed = Option<(String, hh_config::Provenance)>;

/// Every field of the typed settings, as text.
fn typed(settings: &Settings) -> Vec<(SettingName, Typed)> {
    macro_rules! all {
        ($($name:ident: $field:ident $(($optional:ident))? => $text:expr,)*) => {
            vec![$((names::$name, all!(@ settings.$field, $text $(, $optional)?))),*]
        };
        (@ $field:expr, $text:expr) => {
            Some((($text)(&$field.value), $field.provenance.clone()))
        };
        (@ $field:expr, $text:expr, optional) => {
            $field.as_ref().map(|found| (($text)(&found.value), found.provenance.clone()))
        };
    }
    let seconds = |value: &std::time::Duration| value.as_secs_f64().to_string();
    all! {
        API_KEY: api_key (optional) => |key: &SecretString| revealed(key).to_owned(),
        BASE_URL: base_url => ToString::to_string,
        PROJECT: project (optional) => String::clone,
        SOURCE: source => String::clone,
        SESSION_NAME: session_name (optional) => String::clone,
        TEST_MODE: test_mode => ToString::to_string,
        DEBUG: debug => ToString::to_string,
        VERBOSE: verbose => ToString::to_string,
        LOG_LEVEL: log_level => String::clone,
        STRICT: strict => ToString::to_string,
        TIMEOUT: timeout => seconds,
        MAX_RETRIES: max_retries => ToString::to_string,
        RETRY_DELAY: retry_delay => seconds,
        BATCH_SIZE: batch_size => ToString::to_string,
        FLUSH_INTERVAL: flush_interval => seconds,
        MAX_QUEUE_SIZE: max_queue_size => ToString::to_string,
        MAX_QUEUE_BYTES: max_queue_bytes => ToString::to_string,
        OUTPUT_FORMAT: output_format => String::clone,
        PROFILE: profile (optional) => String::clone,
    }
}

/// Quotes a text as all three formats read it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Writes a file of names and values.
fn file_of(extension: &str, pairs: &[(&str, String)]) -> String {
    let lines = pairs.iter().map(|(name, value)| match extension {
        "json" => format!("  {}: {value}", quoted(name)),
        "toml" => format!("{name} = {value}"),
        _ => format!("{name}: {value}"),
    });
    let lines: Vec<_> = lines.collect();
    match extension {
        "json" => format!("{{\n{}\n}}\n", lines.join(",\n")),
        _ => lines.join("\n") + "\n",
    }
}
