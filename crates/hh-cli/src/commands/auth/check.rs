//! Implements `honeyhive auth check`, which verifies the key in steps: its source, its format, the authentication and
//! the access to projects.

use std::cell::RefCell;

use anstyle::AnsiColor;
use hh_sdk::Identity;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::output;
use crate::ui::without_keys;

/// The state of a successful step.
const OK: &str = "ok";
/// The width of the column of states.
const STATE: usize = 8;

#[derive(Serialize)]
struct CheckReport {
    ok: bool,
    steps: Vec<CheckStep>,
}

#[derive(Serialize)]
struct CheckStep {
    state: &'static str,
    seen: String,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let is_text = context.printer().is_text();
    let steps = RefCell::new(Vec::new());
    let add = |state, seen: &str| {
        if !is_text {
            let seen = without_keys(seen);
            steps.borrow_mut().push(CheckStep { state, seen });
            return Ok(());
        }
        let color = if state == OK {
            AnsiColor::Green
        } else {
            AnsiColor::Red
        };
        let gap = " ".repeat(STATE.saturating_sub(state.len()));
        output::state_line(state, Some(color), &format!("{gap}{seen}"))
    };
    let step = |seen: &str| add(OK, seen);
    let checked = || -> Result<(), CliError> {
        let client = context.client(None)?;
        let base_url = &client.settings().base_url;
        if client.settings().test_mode.value {
            return step("test mode is on: nothing to verify");
        }
        let credential = context.credential()?;
        step(&format!("API key found in {}", credential.provenance))?;
        step(&format!(
            "API key format is valid: {}",
            credential.key.redacted()
        ))?;
        let identity = context.block_on(client.whoami())?;
        step(&match identity {
            Identity::Known(me) => format!(
                "authentication successful at {}: {} ({})",
                base_url.value, me.principal.name, me.permissions
            ),
            Identity::Unknown | _ => format!(
                "authentication successful at {} (identity not reported by this server)",
                base_url.value
            ),
        })?;
        let projects = context.block_on(client.list_projects())?;
        step(&match projects.len() {
            1 => "access to 1 project".to_owned(),
            count => format!("access to {count} projects"),
        })
    };
    let result = checked().inspect_err(|error| {
        let what = error.message();
        // The error is also printed to stderr, so a failure to print it here is ignored.
        add("failed", what).ok();
    });
    if !is_text {
        let report = CheckReport {
            ok: result.is_ok(),
            steps: steps.take(),
        };
        context.printer().report(&report, "steps", |_| Vec::new())?;
    }
    result
}
