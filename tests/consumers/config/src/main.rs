//! An application that has settings of its own in figment and uses the settings of HoneyHive.

#[cfg(test)]
mod tests;

use figment::Figment;
use figment::providers::{Env as Variables, Format, Serialized, Toml};
use hh_config::{Env, LoadError, LoadOptions, Settings, Source, Stack};
use serde::{Deserialize, Serialize};

/// The settings of the application. The last two have the names of settings of HoneyHive.
#[derive(Debug, Deserialize, Serialize, PartialEq)]
struct App {
    workers: u16,
    project: Option<String>,
    timeout: f64,
}

/// Returns the application's own figment: defaults, `app.toml`, and variables such as `APP_WORKERS` and
/// `APP_HONEYHIVE__PROJECT`.
fn own_figment() -> Figment {
    Figment::new()
        .merge(Serialized::default("workers", 1))
        .merge(Toml::file("app.toml"))
        .merge(Variables::prefixed("APP_").split("__"))
}

/// Loads the settings of HoneyHive, to which the section `honeyhive` of the application's figment contributes.
fn honeyhive(env: &Env, own: &Figment) -> Stack {
    Stack::load(
        env,
        LoadOptions::new().with_provider(Source::Named, own.focus("honeyhive")),
    )
}

/// Merges the settings of HoneyHive over those of the application, and the defaults of HoneyHive below both.
fn merged(own: Figment, honeyhive: &Stack) -> Figment {
    honeyhive
        .figment_defaults()
        .merge(own)
        .merge(honeyhive.figment())
}

/// Returns the settings of HoneyHive as text, each with its source.
fn report(stack: &Stack) -> Result<String, LoadError> {
    let settings = Settings::from_stack(stack)?;
    let mut report = format!(
        "timeout = {:?} from {}\n",
        settings.timeout.value, settings.timeout.provenance
    );
    if let Some(project) = settings.project {
        report += &format!("project = {} from {}\n", project.value, project.provenance);
    }
    if let Some(key) = settings.api_key {
        report += &format!("api_key from {}\n", key.provenance);
    }
    Ok(report)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = own_figment();
    let stack = honeyhive(&Env::from_process(), &own);
    for warning in stack.warnings() {
        eprintln!("warning: {warning}");
    }
    print!("{}", report(&stack)?);
    let app: App = merged(own, &stack).extract()?;
    println!("{app:?}");
    Ok(())
}
