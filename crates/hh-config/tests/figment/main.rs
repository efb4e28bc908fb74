//! Tests the exchange of values with figment: types, precedence, provenance, trust and secrets in both directions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod export;
mod import;
mod properties;

use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};
use hh_config::{Env, Layer, LoadError, LoadOptions, Problem, Settings, Source, Stack};

const CANARY: &str = "hh_canarycanarycanarycanarycanary00";

/// All sources, lowest precedence first.
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

fn no_env() -> Env {
    Env::from_pairs([("", ""); 0])
}

/// Loads the values of one provider.
fn stack_of(source: Source, provider: impl Provider) -> Stack {
    Stack::load(
        &no_env(),
        LoadOptions::new().with_provider(source, provider),
    )
}

/// A provider of an application, such as a store of secrets.
#[derive(Clone)]
struct Vault(Vec<(String, Value)>);

impl Vault {
    fn new<V: Into<Value>>(pairs: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        let pairs = pairs.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        )
    }
}

impl Provider for Vault {
    fn metadata(&self) -> Metadata {
        Metadata::from("vault", "prod/app")
            .interpolater(|_: &Profile, keys: &[&str]| keys.join("/"))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.0.iter().cloned().collect()))
    }
}

/// A provider that reads a file of an unknown format.
#[derive(Clone)]
struct AppFile(Result<Dict, String>);

impl Provider for AppFile {
    fn metadata(&self) -> Metadata {
        Metadata::from("INI file", std::path::Path::new("/app/app.ini"))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let data = self.0.clone().map_err(Error::from)?;
        Ok(Profile::Default.collect(data))
    }
}

/// Returns the problems as text for a snapshot.
fn lines(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let hint = problem.hint().map(|hint| format!(" => {hint}"));
        format!(
            "{:?}: {problem}{}",
            problem.kind(),
            hint.unwrap_or_default()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns everything that can be printed about a stack and the error of loading it.
fn printed(stack: &Stack) -> String {
    let error = |error: LoadError| format!("{error} {error:?} {:?}", error.hint());
    let problems = stack.problems();
    let hints: Vec<_> = problems.iter().map(Problem::hint).collect();
    let explained: Vec<_> = stack
        .explain()
        .into_iter()
        .map(|explained| {
            let text = explained.value.text(|_| "***".to_owned());
            format!(
                "{text:?} {:?} {:?}",
                explained.provenance, explained.problem
            )
        })
        .collect();
    format!(
        "{stack:?} {problems:?} {hints:?} {:?} {} {}",
        stack.warnings(),
        explained.join(" "),
        Settings::from_stack(stack)
            .err()
            .map(error)
            .unwrap_or_default()
    )
}

/// A stack with values of each kind of location.
fn stack_with_all_locations(dir: &tempfile::TempDir) -> Stack {
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        hh_testing::write(&path, text);
        path.display().to_string()
    };
    let file = path("app.yaml", "# app\nmax_retries: 7\nsource: ${HH_STAGE}\n");
    let dotenv = path("app.env", "HH_BATCH_SIZE=50\n");
    let env = Env::from_pairs([
        ("HH_TIMEOUT", "5"),
        ("HH_CONFIG_FILE", &file),
        ("HH_ENV_FILE", &dotenv),
        ("HH_STAGE", "staging"),
    ]);
    let options = LoadOptions::new()
        .with_project("docs")
        .with_provider(Source::User, Vault::new([("session_name", "nightly")]));
    let stored = (hh_config::names::BASE_URL, "https://stored.example".into());
    Stack::load(&env, options).with(Layer::stored("work", [stored]))
}
