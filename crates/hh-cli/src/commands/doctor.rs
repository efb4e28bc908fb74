//! Implements `honeyhive doctor`, which checks each stage of a request in order.

mod anonymous;
mod bundle;
mod configuration;
mod key;
mod network;
mod notes;
mod report;
mod server;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hh_sdk::config::names;
use hh_sdk::tooling::{self, Layers, Probe, Resolved};

use crate::args;
use crate::context::{self, Context};
use crate::error::CliError;
use crate::ui;
use report::Report;

/// The time limit of one network step.
const STEP: Duration = Duration::from_secs(3);

/// The time limit of all steps together.
const ALL: Duration = Duration::from_secs(13);

/// The network steps; a proxy adds one more.
const OF_NETWORK: [&str; 4] = ["dns", "tcp", "tls", "health"];
/// The steps that use the key.
const OF_KEY: [&str; 2] = ["authentication", "permissions"];

#[derive(Args)]
pub(crate) struct Arguments {
    /// Write the results to a new file for a bug report, without secrets or personal names
    #[arg(long, value_name = "FILE", value_parser = args::path)]
    bundle: Option<PathBuf>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    if let Some(file) = &arguments.bundle {
        bundle::check(file)?;
    }
    let layers = context.layers();
    let text = |name| layers.stack.text(name).ok().flatten();
    let is = |name, wanted: &str| {
        text(name).is_some_and(|found| found.value.eq_ignore_ascii_case(wanted))
    };
    let printer = context.printer();
    let mut report = Report::new(printer.is_text());
    if is(names::VERBOSE, "true") {
        report.print_header()?;
    }
    let notes = notes::find(context, &layers);
    let stack = layers.stack.clone();
    run_steps(context, layers, &mut report)?;
    for note in notes {
        report.note(&note)?;
    }
    if !printer.is_text() {
        report.print(printer)?;
    }
    if let Some(file) = &arguments.bundle {
        bundle::write(file, context, &stack, &report)?;
        context.success(&format!(
            "Wrote {}; review it before you share it",
            file.display()
        ));
    }
    report.outcome()?;
    context.note(match report.notes().len() {
        0 => "No problems found",
        _ => "No problems found, but there are notes above",
    });
    Ok(())
}

/// Runs every step whose requirements are met.
fn run_steps(context: &Context, layers: Layers, report: &mut Report) -> Result<(), CliError> {
    let resolved = report.step("configuration", || configuration::check(layers))?;
    let Some(resolved) = resolved else {
        report.skip(&["proxy"], "configuration")?;
        report.skip(&OF_NETWORK, "configuration")?;
        report.skip(&["key"], "configuration")?;
        report.skip(&OF_KEY, "configuration")?;
        return report.skip(&["clock"], "configuration");
    };
    let settings = &resolved.settings;
    if settings.test_mode.value {
        let place = settings.test_mode.provenance.to_string();
        report.step("key", || (key::offline(&resolved), ()))?;
        let why = format!("test mode is on ({place}), so no connection is opened");
        return report.add_skipped("network", &why);
    }
    if !settings.verify_ssl.value {
        // This is printed at every start, even with `--quiet` (docs/design/decisions.md#x3).
        ui::print_line(&format!(
            "warning: certificates are not verified (verify_ssl from {})",
            settings.verify_ssl.provenance
        ));
    }
    if let Some(place) = settings.insecure_http() {
        ui::print_line(&context::unencrypted(place));
    }
    let options = context.options();
    let probe = report.step("proxy", || {
        network::proxy(tooling::probe(&options, &resolved, STEP), &resolved)
    })?;
    let mut result = Ok(());
    context.block_on(async {
        result = Box::pin(steps(context, &resolved, probe, report)).await;
        Ok(())
    })?;
    result
}

/// Runs the steps that wait for the network or for a program.
async fn steps(
    context: &Context,
    resolved: &Resolved,
    probe: Option<Probe>,
    report: &mut Report,
) -> Result<(), CliError> {
    report.limit_waits(ALL);
    // A program that prints the key runs at the same time as the network steps.
    let looking = key::look(context, resolved);
    let mut reached = None;
    let answer = if let Some(probe) = &probe {
        reached = network::run_steps(resolved, probe, report).await?;
        if reached.is_some() {
            let asked = server::health(context, resolved, probe);
            report.wait("health", asked).await?.flatten()
        } else {
            None
        }
    } else {
        report.skip(&OF_NETWORK, "proxy")?;
        None
    };
    let found = key::found(resolved, looking);
    let credential = report.wait("key", found).await?.flatten();
    match (&answer, credential) {
        (None, _) => report.skip(&OF_KEY, "health")?,
        (Some(_), None) => report.skip(&OF_KEY, "key")?,
        (Some(_), Some(credential)) => {
            Box::pin(key::authenticate(
                context, resolved, credential, reached, report,
            ))
            .await?;
        }
    }
    match answer {
        Some(answer) => report.step("clock", || (server::clock(&answer), ())),
        None => report.skip(&["clock"], "health"),
    }
}
