//! Cases as directories: what is laid into a file system, and what loading must make of it.
//!
//! `tests/cases/GROUP/NAME/` holds `case.json` (see [`Case`]), `fs/` with the directories `proj`, `home` and `etc`, and
//! `expected.json` (see [`Outcome`]). `[root]` stands for the directory that `fs/` is laid into. What is right is told
//! by the decisions, never by what the code does: `HH_UPDATE_CASES=1` writes each `expected.json` anew, to be read
//! line by line. With `CI` set it does nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hh_config::{
    Config, Env, Kind, Layer, LoadOptions, Provenance, SettingName, Settings, Shown, Stack,
    TrustedFiles, Via,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::revealed;

const GROUPS: [&str; 8] = [
    "aliases",
    "dotenv",
    "files",
    "key",
    "order",
    "substitution",
    "trust",
    "values",
];

/// What goes in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows and by which decision, for people.
    about: String,
    /// Variables. `HOME` is `[root]/home` unless it stands here.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Direct parameters.
    #[serde(default)]
    args: BTreeMap<String, String>,
    /// The stored profile.
    #[serde(default)]
    stored: BTreeMap<String, String>,
    /// Files that are trusted with the content that `fs/` has.
    #[serde(default)]
    trust: Vec<PathBuf>,
    /// Texts that are added to files after that.
    #[serde(default)]
    append: BTreeMap<PathBuf, String>,
    /// Settings to look at.
    show: Vec<String>,
    /// Texts that nothing may print: at least every value that a secret setting in `show` has.
    #[serde(default)]
    secrets: Vec<String>,
}

/// What comes out.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    settings: BTreeMap<String, Found>,
    errors: Vec<Mistake>,
    warnings: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Found {
    /// The value of its type; as text if it is a secret or a proxy, and if anything is wrong with the case.
    value: Value,
    /// The short form of where it came from.
    source: String,
    /// What it went through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shadowed: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    kind: String,
    message: String,
}

/// A case that is laid out and loaded.
struct Run {
    case: Case,
    root: String,
    env: Env,
    options: LoadOptions,
    stack: Stack,
    /// All texts that went in, to show that a secret is there to be printed.
    inputs: Vec<String>,
}

type Checked<T> = Result<T, String>;

impl Run {
    fn of(dir: &Path, temp: &Path) -> Checked<Self> {
        let case: Case = json(&dir.join("case.json"))?;
        if case.about.is_empty() {
            return Err("it does not say what it is about".to_owned());
        }
        let root = temp.display().to_string();
        let mut inputs = Vec::new();
        for place in ["proj", "home", "etc"] {
            fails(std::fs::create_dir_all(temp.join(place)), "a directory")?;
        }
        lay(&dir.join("fs"), temp, &root, &mut inputs)?;

        let mut variables = filled(&case.env, &root);
        let home = format!("{root}/home");
        variables.entry("HOME".to_owned()).or_insert(home);
        let env = Env::from_pairs(&variables)
            .with_working_dir(temp.join("proj"))
            .with_system_dir(temp.join("etc"));
        trust(&case, temp, &env)?;
        for (file, text) in &case.append {
            let text = std::fs::read_to_string(temp.join(file)).map(|old| old + text);
            write(&temp.join(file), &fails(text, "a file to append to")?)?;
        }

        let args = filled(&case.args, &root);
        let options = args
            .iter()
            .try_fold(LoadOptions::new(), |options, (name, value)| {
                let place = format!("--{}", name.replace('_', "-"));
                Ok::<_, String>(options.with_place(setting(name)?, value.as_str(), place))
            })?;
        let stored = case.stored.iter().map(|(name, value)| {
            let value = SecretString::from(value.as_str());
            Ok((setting(name)?, value))
        });
        let stored = Layer::stored("default", stored.collect::<Checked<Vec<_>>>()?);
        let stack = Stack::load(&env, options.clone()).with(stored);
        inputs.extend(variables.into_values());
        inputs.extend(args.into_values());
        inputs.extend(case.stored.values().cloned());
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
        // Nothing is typed as long as anything is wrong.
        let typed: Option<Map<String, Value>> = self.stack.extract().ok();
        let problems = self.stack.problems();
        if typed.is_some() != problems.is_empty() {
            return Err("settings can be read if and only if nothing is wrong".to_owned());
        }
        let mut settings = BTreeMap::new();
        for name in &self.case.show {
            settings.insert(name.clone(), self.found(setting(name)?, typed.as_ref())?);
        }
        let errors = problems.iter().map(|problem| Mistake {
            kind: format!("{:?}", problem.kind()),
            message: self.short(&problem.to_string()),
        });
        let warnings = self.stack.warnings();
        Ok(Outcome {
            settings,
            errors: errors.collect(),
            warnings: warnings.iter().map(|line| self.short(line)).collect(),
        })
    }

    fn found(&self, name: SettingName, typed: Option<&Map<String, Value>>) -> Checked<Found> {
        let declared = name.declared();
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
        Ok(Found {
            value,
            source: self.short(&explained.source_label()),
            via: via.collect(),
            shadowed: shadowed.map(|place| label(&place.provenance)).collect(),
        })
    }

    fn short(&self, text: &str) -> String {
        text.replace(&self.root, "[root]")
    }

    /// No secret of the case is in anything that can be printed.
    fn keeps_secrets(&self) -> Checked<()> {
        let explained = self.stack.explain();
        let secrets: Vec<_> = explained
            .iter()
            .filter(|explained| matches!(explained.value, Shown::Secret(_)))
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
                return Err(format!("secret {index} is nowhere to be printed from"));
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
                return Err(format!("{what} shows secret {index}"));
            }
        }
        Ok(())
    }

    /// Hides the secrets of the case, for messages about the test itself.
    fn hidden(&self, mut text: String) -> String {
        for (index, secret) in self.case.secrets.iter().enumerate() {
            text = text.replace(secret.as_str(), &format!("<secret {index}>"));
        }
        text
    }
}

/// Checks one case; the error tells what is wrong with it.
fn check(dir: &Path, update: bool) -> Checked<()> {
    let temp = fails(tempfile::tempdir(), "a temporary directory")?;
    let root = fails(temp.path().canonicalize(), "a temporary directory")?;
    let run = Run::of(dir, &root)?;
    let actual = run.outcome()?;
    let file = dir.join("expected.json");
    if update {
        let text = fails(serde_json::to_string_pretty(&actual), "JSON")?;
        write(&file, &(text + "\n"))?;
    }
    let expected: Outcome = json(&file)?;
    let differs = (expected != actual).then(|| {
        let text = format!("expected {expected:#?}\nbut is {actual:#?}");
        run.hidden(text)
    });
    match (differs, run.keeps_secrets()) {
        (None, kept) => kept,
        (Some(differs), Ok(())) => Err(differs),
        (Some(differs), Err(shown)) => Err(format!("{shown}\n{differs}")),
    }
}

fn setting(name: &str) -> Checked<SettingName> {
    SettingName::find(name).ok_or_else(|| format!("{name} is no setting"))
}

fn filled(values: &BTreeMap<String, String>, root: &str) -> BTreeMap<String, String> {
    let values = values.iter();
    values
        .map(|(name, value)| (name.clone(), value.replace("[root]", root)))
        .collect()
}

/// Lays the files of a case into a directory.
fn lay(from: &Path, to: &Path, root: &str, inputs: &mut Vec<String>) -> Checked<()> {
    if !from.exists() {
        return Ok(());
    }
    for entry in fails(std::fs::read_dir(from), "a directory")? {
        let entry = fails(entry, "a directory")?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            fails(std::fs::create_dir_all(&to), "a directory")?;
            lay(&from, &to, root, inputs)?;
        } else {
            let text = fails(std::fs::read_to_string(&from), "a text")?.replace("[root]", root);
            write(&to, &text)?;
            inputs.push(text);
        }
    }
    Ok(())
}

fn trust(case: &Case, temp: &Path, env: &Env) -> Checked<()> {
    if case.trust.is_empty() {
        return Ok(());
    }
    let none = TrustedFiles::default();
    let mut files = case.trust.iter();
    let trusted = files.try_fold(none, |all, file| all.with(&temp.join(file)));
    let list = TrustedFiles::path(env).ok_or("no place for the list of trusted files")?;
    let dir = list.parent().unwrap_or(temp);
    fails(std::fs::create_dir_all(dir), "a directory")?;
    write(&list, &fails(trusted, "files to trust")?.to_text())
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Checked<T> {
    let text = fails(std::fs::read_to_string(path), &path.display().to_string())?;
    fails(serde_json::from_str(&text), &path.display().to_string())
}

#[expect(clippy::disallowed_methods, reason = "files of the test's own")]
fn write(path: &Path, text: &str) -> Checked<()> {
    fails(std::fs::write(path, text), &path.display().to_string())
}

fn fails<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) -> Checked<T> {
    result.map_err(|error| format!("{what}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// The directories in a directory, in order.
fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn all_of(group: &str) {
    let process = Env::from_process();
    let update = process.get("HH_UPDATE_CASES").is_some() && process.get("CI").is_none();
    let failures: Vec<_> = directories(&root().join(group))
        .iter()
        .filter_map(|dir| Some((dir, check(dir, update).err()?)))
        .map(|(dir, what)| format!("{}:\n{what}\n", dir.display()))
        .collect();
    assert!(
        failures.is_empty(),
        "{} cases fail\n{}",
        failures.len(),
        failures.join("\n")
    );
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
fn there_are_enough_cases_and_no_group_is_left_out() {
    let groups = directories(&root());
    let names = groups.iter().map(|group| group.file_name().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), GROUPS);
    let cases: usize = groups.iter().map(|group| directories(group).len()).sum();
    assert!(cases >= 150, "{cases} cases");
}
