//! Tests table-driven cases: the input of loading, and the complete expected result.
//!
//! `tests/cases/GROUP/RULE.yaml` contains the cases of one rule:
//!
//! ```yaml
//! rule: A setting and its alias in one file are a conflict.
//! cases:
//!   - name: an_alias_is_read
//!     given:
//!       env: {HH_CONFIG_FILE: "[root]/proj/my.yaml"}
//!       files:
//!         proj/my.yaml: |
//!           default_project: docs
//!     expect:
//!       settings:
//!         project: {value: docs, source: "file:[root]/proj/my.yaml:1:18"}
//! ```
//!
//! - `given` is the input (see [`CaseInput`]). `[root]` is a temporary directory with the directories `proj` (the
//!   working directory), `home` and `etc` (the system directory). A block string (`|`) ends with a line feed. Where bytes
//!   matter, write a string in double quotes with escapes: `"a\r\n"`, `"\uFEFFa"`, and no `\n` for no final line feed.
//! - `expect` is the whole result (see [`Outcome`]): the settings to check, **all** errors and **all** warnings. A
//!   missing member means none. An error is written as `KIND: MESSAGE => HINT`.
//! - `secrets` lists strings that no output may contain: at least the value of every secret setting that is checked.
//! - `given` at the top of a table is input that all its cases share.
//!
//! A case with `rows` is checked once for each row. A row maps columns to values, and `[column]` is replaced with the value
//! everywhere in the case; a string that is `[column]` alone becomes the value with its type. `[row]` is the label of
//! the row, and a column that is a map has parts, as in `[at.project]`. `formats` are rows whose label is `[format]`:
//!
//! ```yaml
//!   - name: the_place_of_a_value_is_known_in_each_format
//!     formats:
//!       toml: {content: "project = 'docs'", at: "1:11"}
//!       yaml: {content: "project: docs", at: "1:10"}
//!     given:
//!       env: {HH_CONFIG_FILE: "[root]/proj/my.[format]"}
//!       files: {"proj/my.[format]": "[content]"}
//!     expect:
//!       settings:
//!         project: {value: docs, source: "file:[root]/proj/my.[format]:[at]"}
//! ```
//!
//! `texts` at the top of a table names texts that several cases share, to be used like columns. An unknown member, a
//! name that is used twice and a column or text that is not used are errors.
//!
//! To add a case, write it into the table of its rule with the documented result, and raise the count of its group in
//! [`GROUPS`]. A case that fails prints the expected and the actual result.

mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hh_config::{
    Config, Env, Kind, Layer, LoadOptions, Provenance, RedactedValue, SettingName, Settings, Stack,
    TrustedFiles, Via,
};
use secrecy::SecretString;
use serde_json::{Map, Value};

use self::table::{Case, CaseInput, FoundValue, Outcome};
use super::revealed;

/// The groups, each with its minimum number of checks.
const GROUPS: [(&str, usize); 8] = [
    ("aliases", 93),
    ("dotenv", 54),
    ("files", 134),
    ("key", 96),
    ("order", 26),
    ("substitution", 127),
    ("trust", 187),
    ("values", 162),
];

type Checked<T> = Result<T, String>;

/// A case whose files are written and whose settings are loaded.
struct Run<'a> {
    case: &'a Case,
    root: String,
    env: Env,
    options: LoadOptions,
    stack: Stack,
    /// All strings of the input, to verify that each secret could have been printed.
    inputs: Vec<String>,
}

impl<'a> Run<'a> {
    fn of(case: &'a Case, temp: &Path) -> Checked<Self> {
        let given = &case.given;
        let root = temp.display().to_string();
        let mut inputs = Vec::new();
        for place in ["proj", "home", "etc"] {
            fails(std::fs::create_dir_all(temp.join(place)), "a directory")?;
        }
        for (file, text) in &given.files {
            let text = text.replace("[root]", &root);
            write(&temp.join(file), &text)?;
            inputs.push(text);
        }

        let mut variables = with_root(&given.env, &root);
        let home = format!("{root}/home");
        variables.entry("HOME".to_owned()).or_insert(home);
        let env = Env::from_pairs(&variables)
            .with_working_dir(temp.join("proj"))
            .with_system_dir(temp.join("etc"));
        trust(given, temp, &env)?;
        for (file, text) in &given.append {
            let text = std::fs::read_to_string(temp.join(file)).map(|old| old + text);
            write(&temp.join(file), &fails(text, "a file to append to")?)?;
        }

        let args = with_root(&given.args, &root);
        let options = args
            .iter()
            .try_fold(LoadOptions::new(), |options, (name, value)| {
                let place = format!("--{}", name.replace('_', "-"));
                Ok::<_, String>(options.with_place(setting(name)?, value.as_str(), place))
            })?;
        let stored = given.stored.iter().map(|(name, value)| {
            let value = SecretString::from(value.as_str());
            Ok((setting(name)?, value))
        });
        let stored = Layer::stored("default", stored.collect::<Checked<Vec<_>>>()?);
        let stack = Stack::load(&env, options.clone()).with(stored);
        inputs.extend(variables.into_values());
        inputs.extend(args.into_values());
        inputs.extend(given.stored.values().cloned());
        Ok(Self {
            case,
            root,
            env,
            options,
            stack,
            inputs,
        })
    }

    fn outcome(&self) -> Checked<Outcome> {
        // No value has a type while there is any error.
        let typed: Option<Map<String, Value>> = self.stack.extract().ok();
        let problems = self.stack.problems();
        if typed.is_some() != problems.is_empty() {
            return Err("settings must be readable if and only if there is no error".to_owned());
        }
        let mut settings = BTreeMap::new();
        for name in self.case.expect.settings.keys() {
            settings.insert(name.clone(), self.found(setting(name)?, typed.as_ref())?);
        }
        let errors = problems.iter().map(|problem| {
            let hint = problem.hint().map(|hint| format!(" => {hint}"));
            let message = self.short(&format!("{problem}{}", hint.unwrap_or_default()));
            BTreeMap::from([(format!("{:?}", problem.kind()), message)])
        });
        let warnings = self.stack.warnings();
        Ok(Outcome {
            settings,
            errors: errors.collect(),
            warnings: warnings.iter().map(|line| self.short(line)).collect(),
        })
    }

    fn found(&self, name: SettingName, typed: Option<&Map<String, Value>>) -> Checked<FoundValue> {
        let declared = name.spec();
        let explained = self.stack.explain_one(name);
        let value = match typed {
            Some(typed) if !declared.secret && declared.kind != Kind::Proxy => {
                typed.get(name.as_str()).cloned().unwrap_or_default()
            }
            _ => explained.value.text(str::to_owned).into(),
        };
        let value = match value.as_str() {
            Some(text) => Value::String(self.short(text)),
            None => value,
        };
        if let (true, Some(secret)) = (declared.secret, value.as_str())
            && !self.case.secrets.iter().any(|known| known == secret)
        {
            return Err(format!("the value of {name} is not among the secrets"));
        }
        let via = explained.provenance.via().iter().map(|via| match via {
            Via::Substituted(variable) => format!("${{{variable}}}"),
            Via::SecretFile(path) => self.short(&path.display().to_string()),
            other => format!("{other:?}"),
        });
        let label = |provenance: &Provenance| self.short(&provenance.label());
        let shadowed = explained.shadowed.iter();
        Ok(FoundValue {
            value,
            source: self.short(&explained.source_label()),
            via: via.collect(),
            shadowed: shadowed.map(|place| label(&place.provenance)).collect(),
        })
    }

    fn short(&self, text: &str) -> String {
        text.replace(&self.root, "[root]")
    }

    /// Checks that no output contains a secret of the case.
    fn keeps_secrets(&self) -> Checked<()> {
        let explained = self.stack.explain();
        let secrets: Vec<_> = explained
            .iter()
            .filter(|explained| matches!(explained.value, RedactedValue::Secret(_)))
            .filter_map(|explained| self.stack.secret(explained.name).ok()?)
            .collect();
        for (index, secret) in self.case.secrets.iter().enumerate() {
            let is_handed_out = secrets
                .iter()
                .any(|found| revealed(&found.value).trim() == secret);
            let is_put_in = self
                .inputs
                .iter()
                .any(|text| text.contains(secret.as_str()));
            if !is_handed_out && !is_put_in {
                return Err(format!(
                    "secret {index} is not in the input, so that no output could contain it"
                ));
            }
        }

        let settings = Settings::from_stack(&self.stack);
        let candidates = SettingName::all().map(|name| self.stack.candidates(name));
        let listed = explained
            .iter()
            .filter_map(|explained| explained.value.text(|_| "***".to_owned()));
        let mut printed = vec![
            ("Debug of Env", format!("{:?}", self.env)),
            ("Debug of LoadOptions", format!("{:?}", self.options)),
            ("Debug of Stack", format!("{:?}", self.stack)),
            ("Debug of Settings", format!("{:?}", settings.as_ref().ok())),
            ("Debug of Explained", format!("{explained:?}")),
            (
                "Debug of Candidates",
                format!("{:?}", candidates.collect::<Vec<_>>()),
            ),
            ("a list of settings", listed.collect::<Vec<_>>().join("\n")),
            ("warnings", self.stack.warnings().join("\n")),
        ];
        if let Some(error) = settings.err() {
            printed.push(("Debug of LoadError", format!("{error:?}")));
            printed.push(("Display of LoadError", error.to_string()));
        }
        if let Ok(config) = Config::of(&self.stack, |_| "***".to_owned()) {
            printed.push(("Display of Config", config.to_string()));
            printed.push(("Debug of Config", format!("{config:?}")));
        }
        for (what, text) in printed {
            let shown = self
                .case
                .secrets
                .iter()
                .position(|s| text.contains(s.as_str()));
            if let Some(index) = shown {
                return Err(format!("{what} contains secret {index}"));
            }
        }
        Ok(())
    }

    /// Redacts the secrets of the case, for messages about the test itself.
    fn hidden(&self, mut text: String) -> String {
        for (index, secret) in self.case.secrets.iter().enumerate() {
            text = text.replace(secret.as_str(), &format!("<secret {index}>"));
        }
        text
    }
}

/// Checks a case.
///
/// # Errors
/// The difference between the expected and the actual result, or the secret that was printed.
fn check(case: &Case) -> Checked<()> {
    let temp = fails(tempfile::tempdir(), "a temporary directory")?;
    let root = fails(temp.path().canonicalize(), "a temporary directory")?;
    let run = Run::of(case, &root)?;
    let actual = run.outcome()?;
    let differs = (case.expect != actual).then(|| {
        let text = |outcome| serde_json::to_string_pretty(outcome).unwrap();
        let (expected, actual) = (text(&case.expect), text(&actual));
        run.hidden(format!("expected {expected}\nactual {actual}"))
    });
    match (differs, run.keeps_secrets()) {
        (None, kept) => kept,
        (Some(differs), Ok(())) => Err(differs),
        (Some(differs), Err(shown)) => Err(format!("{shown}\n{differs}")),
    }
}

fn setting(name: &str) -> Checked<SettingName> {
    SettingName::find(name).ok_or_else(|| format!("{name} is not a setting"))
}

fn with_root(values: &BTreeMap<String, String>, root: &str) -> BTreeMap<String, String> {
    let values = values.iter();
    values
        .map(|(name, value)| (name.clone(), value.replace("[root]", root)))
        .collect()
}

fn trust(given: &CaseInput, temp: &Path, env: &Env) -> Checked<()> {
    if given.trust.is_empty() {
        return Ok(());
    }
    let none = TrustedFiles::default();
    let mut files = given.trust.iter();
    let trusted = files.try_fold(none, |all, file| all.with(&temp.join(file)));
    let list = TrustedFiles::path(env).ok_or("the list of trusted files has no path")?;
    write(&list, &fails(trusted, "files to trust")?.to_text())
}

/// Writes a file and the directories above it.
#[expect(clippy::disallowed_methods, reason = "the test writes its own files")]
fn write(path: &Path, text: &str) -> Checked<()> {
    let what = path.display().to_string();
    let dir = path.parent().ok_or_else(|| what.clone())?;
    fails(std::fs::create_dir_all(dir), &what)?;
    fails(std::fs::write(path, text), &what)
}

fn fails<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> Checked<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// Returns the entries of a directory in order.
fn entries(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Checks all cases of a group, and reports the table, case and row of each failure.
fn all_of(group: &str) {
    let mut failures = Vec::new();
    let mut count = 0;
    for path in entries(&root().join(group)) {
        let failed = match table::read(&path) {
            Ok(cases) => {
                count += cases.len();
                let failed = cases
                    .iter()
                    .filter_map(|case| Some((case, check(case).err()?)));
                failed
                    .map(|(case, what)| format!("{}: {what}", case.title))
                    .collect()
            }
            Err(error) => vec![error],
        };
        let table = path.display();
        failures.extend(failed.iter().map(|text| format!("{table}: {text}\n")));
    }
    assert!(
        failures.is_empty(),
        "{} cases fail\n{}",
        failures.len(),
        failures.join("\n")
    );
    let (_, least) = GROUPS.iter().find(|(name, _)| *name == group).unwrap();
    assert!(count >= *least, "{count} checks, expected at least {least}");
}

#[test]
fn aliases() {
    all_of("aliases");
}

#[test]
fn dotenv() {
    all_of("dotenv");
}

#[test]
fn files() {
    all_of("files");
}

#[test]
fn key() {
    all_of("key");
}

#[test]
fn order() {
    all_of("order");
}

#[test]
fn substitution() {
    all_of("substitution");
}

#[test]
fn trusted_and_untrusted() {
    all_of("trust");
}

#[test]
fn values() {
    all_of("values");
}

#[test]
fn no_group_and_no_file_is_left_out() {
    let groups = entries(&root());
    let names = groups.iter().map(|group| group.file_name().unwrap());
    assert!(names.eq(GROUPS.map(|(name, _)| name)), "{groups:?}");
    for table in groups.iter().flat_map(|group| entries(group)) {
        let extension = table.extension().unwrap_or_default();
        assert_eq!(extension, "yaml", "{} is not a table", table.display());
    }
}
