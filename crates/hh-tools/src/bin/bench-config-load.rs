//! Compares the CPU time of loading the whole configuration with that of only parsing the same files.
//! `cargo xtask bench config` prints the result.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;

use hh_config::{Env, Kind, LoadOptions, Placement, SETTINGS, Settings};
use rustix::time::{ClockId, clock_gettime};

/// The number of rounds. The fastest round counts, because other work on the machine can only add time.
const ROUNDS: usize = 20;
const LOADS: u32 = 50;
const VARIABLES: usize = 40;
const LIMIT: f64 = 3.0;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let files = write_files(dir.path())?;
    let env = environment(dir.path());
    let load = || Settings::load(&env, LoadOptions::new()).map(drop);
    load()?;
    let parse = || -> Result<(), Box<dyn Error>> {
        let text = |at: usize| std::fs::read_to_string(&files[at]);
        black_box(serde_saphyr::from_str::<serde_json::Value>(&text(0)?)?);
        black_box(serde_json::from_str::<serde_json::Value>(&text(1)?)?);
        let toml = text(2)?;
        black_box(toml::de::DeTable::parse(&toml)?);
        let pairs = text(3)?;
        let pairs = pairs.lines().filter_map(|line| line.split_once('='));
        black_box(pairs.collect::<Vec<_>>());
        Ok(())
    };
    parse()?;
    let (mut loading, mut parsing) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        loading = loading.min(micros(|| drop(load())));
        parsing = parsing.min(micros(|| drop(parse())));
    }
    writeln!(
        io::stdout(),
        "full load of three files, a .env and {VARIABLES} variables: {loading:.1} us CPU; reading and parsing the same files alone: {parsing:.1} us; ratio {:.2}, limit {LIMIT}",
        loading / parsing
    )?;
    Ok(())
}

/// Writes a file for `HH_CONFIG_FILE`, a user file, a system file and a `.env` file. The first three contain every
/// setting that has a default and is allowed in any file.
fn write_files(dir: &Path) -> io::Result<[std::path::PathBuf; 4]> {
    let settings = SETTINGS.iter().filter_map(|declared| {
        let is_bare = matches!(
            declared.kind,
            Kind::Boolean | Kind::Count(..) | Kind::Seconds(..) | Kind::Number(..)
        );
        let value = declared
            .default
            .filter(|_| declared.place == Placement::Anywhere)?;
        let value = if is_bare {
            value.to_owned()
        } else {
            format!("{value:?}")
        };
        Some((declared.name, value))
    });
    let (mut yaml, mut json, mut toml) = (String::new(), Vec::new(), String::new());
    for (name, value) in settings {
        yaml.extend([name, ": ", &value, "\n"]);
        toml.extend([name, " = ", &value, "\n"]);
        json.push(format!("  {name:?}: {value}"));
    }
    let json = format!("{{\n{}\n}}\n", json.join(",\n"));
    let dotenv = "HH_API_KEY=hh_1234567890abcdef1234567890abcdef\nHH_PROJECT=docs\nHH_TIMEOUT=20\nHH_SOURCE=dev\n";
    let files = [
        "named.yaml",
        "honeyhive/config.json",
        "etc/config.toml",
        "named.env",
    ];
    let files = files.map(|name| dir.join(name));
    for (path, text) in files.iter().zip([yaml.as_str(), &json, &toml, dotenv]) {
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        write(path, text)?;
    }
    Ok(files)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the file belongs to the benchmark"
)]
fn write(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)
}

/// Returns an environment with ten variables of HoneyHive. The others stand for the variables of a shell.
fn environment(dir: &Path) -> Env {
    let path = |name: &str| dir.join(name).display().to_string();
    let mut variables = vec![
        ("HH_CONFIG_FILE".to_owned(), path("named.yaml")),
        ("HH_ENV_FILE".to_owned(), path("named.env")),
        ("XDG_CONFIG_HOME".to_owned(), path("")),
        ("HH_MAX_RETRIES".to_owned(), "2".to_owned()),
        ("HH_BATCH_SIZE".to_owned(), "50".to_owned()),
        ("HH_DEBUG".to_owned(), "false".to_owned()),
        ("HH_VERBOSE".to_owned(), "false".to_owned()),
        ("HH_STRICT".to_owned(), "true".to_owned()),
        ("HH_SESSION_NAME".to_owned(), "nightly".to_owned()),
        (
            "HH_BASE_URL".to_owned(),
            "https://api.honeyhive.ai".to_owned(),
        ),
    ];
    while variables.len() < VARIABLES {
        let name = format!("SHELL_VARIABLE_{}", variables.len());
        variables.push((name, "some text of a usual length".to_owned()));
    }
    Env::from_pairs(variables).with_system_dir(dir.join("etc"))
}

/// Returns the CPU time of one call, in microseconds.
fn micros(call: impl Fn()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        std::time::Duration::try_from(time).unwrap_or_default()
    };
    let start = now();
    for _ in 0..LOADS {
        call();
    }
    now().saturating_sub(start).as_secs_f64() * 1e6 / f64::from(LOADS)
}
