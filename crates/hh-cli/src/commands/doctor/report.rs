//! Collects the results of the steps, prints each one when it completes, and determines the outcome.

use std::time::{Duration, Instant};

use anstyle::AnsiColor;
use serde::Serialize;

use super::anonymous::clean;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{self, Printer};

/// The default exit code of a failed network step.
pub(super) const NETWORK: Exit = Exit::Network;

/// The state of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    /// Successful, but with a likely problem.
    Note,
    Failed,
    /// Not run, because a required step failed or because there is nothing to check.
    Skipped,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    fn color(self) -> Option<AnsiColor> {
        match self {
            Self::Ok => Some(AnsiColor::Green),
            Self::Note => Some(AnsiColor::Yellow),
            Self::Failed => Some(AnsiColor::Red),
            Self::Skipped => None,
        }
    }
}

/// The result of one step.
pub(super) struct Finding {
    state: State,
    seen: String,
    /// The same text without names, for the bundle.
    anonymous: Option<String>,
    /// Names of a person or an organization, which are not part of the bundle.
    identity: Option<String>,
    fix: Option<String>,
    exit: Exit,
}

impl Finding {
    /// Creates the finding of a successful step.
    pub(super) fn ok(seen: impl Into<String>) -> Self {
        Self {
            state: State::Ok,
            seen: seen.into(),
            anonymous: None,
            identity: None,
            fix: None,
            exit: Exit::Ok,
        }
    }

    /// Creates the finding of a successful step with a likely problem.
    pub(super) fn note(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Note,
            fix: Some(fix.into()).filter(|fix| !fix.is_empty()),
            ..Self::ok(seen)
        }
    }

    /// Creates the finding of a failed step.
    pub(super) fn failed(exit: Exit, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Failed,
            exit,
            ..Self::note(seen, fix)
        }
    }

    /// Creates the finding for a network error without a specific explanation.
    pub(super) fn network_failure(error: hh_sdk::Error) -> Self {
        let error = CliError::from(error);
        let exit = error.exit();
        Self::failed(exit, error.message(), error.hint().unwrap_or_default())
    }

    /// Creates the finding of a skipped step.
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self {
            state: State::Skipped,
            ..Self::ok(why)
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        self.state == State::Failed
    }

    /// Sets the text for the bundle.
    pub(super) fn with_anonymous(mut self, seen: String) -> Self {
        self.anonymous = Some(seen);
        self
    }

    /// Sets the names that are not part of the bundle.
    pub(super) fn with_identity(mut self, identity: String) -> Self {
        self.identity = Some(identity);
        self
    }
}

/// One step of the report.
#[derive(Clone, Serialize)]
pub(super) struct Step {
    name: &'static str,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    millis: Option<f64>,
    pub(super) seen: String,
    #[serde(skip)]
    pub(super) anonymous: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

/// The results of all steps.
pub(super) struct Report {
    steps: Vec<Step>,
    notes: Vec<String>,
    /// Whether steps are printed when they complete.
    is_live: bool,
    until: Option<Instant>,
}

#[derive(Serialize)]
struct ReportData<'a> {
    version: &'static str,
    ok: bool,
    exit_code: u8,
    steps: &'a [Step],
    notes: &'a [String],
}

// The widths of the columns before the description, in characters.
const STATE: usize = 9;
const NAME: usize = 16;
const TIME: usize = 9;

impl Report {
    /// Creates an empty report.
    pub(super) fn new(is_live: bool) -> Self {
        Self {
            steps: Vec::new(),
            notes: Vec::new(),
            is_live,
            until: None,
        }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Prints the version and the system before the first step.
    pub(super) fn print_header(&self) -> Result<(), CliError> {
        if !self.is_live {
            return Ok(());
        }
        output::lines([format!("honeyhive {VERSION}, {}", system())])
    }

    /// Limits the total time of all steps that wait from now on.
    pub(super) fn limit_waits(&mut self, time: Duration) {
        self.until = Some(Instant::now() + time);
    }

    /// Runs a step.
    pub(super) fn step<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> (Finding, T),
    ) -> Result<T, CliError> {
        let start = Instant::now();
        let (finding, more) = step();
        self.add(name, Some(start), finding)?;
        Ok(more)
    }

    /// Runs a step that waits. Returns `None` if it exceeded the time limit.
    pub(super) async fn wait<T>(
        &mut self,
        name: &'static str,
        step: impl Future<Output = (Finding, T)>,
    ) -> Result<Option<T>, CliError> {
        let start = Instant::now();
        let until = self.until.unwrap_or(start);
        // Boxed, because the futures of client calls are large.
        let done = tokio::time::timeout_at(until.into(), Box::pin(step)).await;
        let (finding, more) = match done {
            Ok((finding, more)) => (finding, Some(more)),
            Err(_) => (
                Finding::failed(
                    NETWORK,
                    "timed out: all steps together exceeded the time limit",
                    "start with the first slow step above",
                ),
                None,
            ),
        };
        self.add(name, Some(start), finding)?;
        Ok(more)
    }

    /// Adds steps that are skipped because a required step failed.
    pub(super) fn skip(&mut self, names: &[&'static str], needs: &str) -> Result<(), CliError> {
        names
            .iter()
            .try_for_each(|name| self.add_skipped(name, &format!("requires {needs}")))
    }

    /// Adds a step that is skipped for this reason.
    pub(super) fn add_skipped(&mut self, name: &'static str, why: &str) -> Result<(), CliError> {
        self.add(name, None, Finding::skipped(why))
    }

    fn add(
        &mut self,
        name: &'static str,
        start: Option<Instant>,
        finding: Finding,
    ) -> Result<(), CliError> {
        let step = Step {
            name,
            state: finding.state,
            millis: start.map(|start| (start.elapsed().as_secs_f64() * 1e5).round() / 100.0),
            seen: clean(&finding.seen),
            anonymous: finding.anonymous,
            identity: finding.identity.map(|identity| clean(&identity)),
            fix: finding.fix.map(|fix| clean(&fix)),
            exit: finding.exit,
        };
        if self.is_live {
            let time = step.millis.map_or_else(String::new, output::duration);
            let seen = match &step.identity {
                Some(identity) => format!("{} {identity}", step.seen),
                None => step.seen.clone(),
            };
            let state = step.state.as_str();
            let gap = " ".repeat(STATE.saturating_sub(state.len()));
            let rest = format!("{gap}{name:NAME$}{time:TIME$} {seen}");
            output::state_line(state, step.state.color(), &rest)?;
            output::lines(step.fix.iter().map(|fix| format!("{:STATE$}-> {fix}", "")))?;
        }
        self.steps.push(step);
        Ok(())
    }

    /// Adds a note that does not belong to a step.
    pub(super) fn note(&mut self, note: &str) -> Result<(), CliError> {
        let note = clean(note);
        if self.is_live {
            let state = State::Note.as_str();
            let gap = " ".repeat(STATE.saturating_sub(state.len()));
            output::state_line(state, State::Note.color(), &format!("{gap}{note}"))?;
        }
        self.notes.push(note);
        Ok(())
    }

    /// Prints the report in a format for programs.
    pub(super) fn print(&self, printer: &Printer) -> Result<(), CliError> {
        let exit = self.first_failed().map_or(Exit::Ok, |step| step.exit);
        let report = ReportData {
            version: VERSION,
            ok: exit == Exit::Ok,
            exit_code: exit as u8,
            steps: &self.steps,
            notes: &self.notes,
        };
        printer.report(&report, "steps", |_| Vec::new())
    }

    /// Returns the first failed step as the error of the command.
    pub(super) fn outcome(&self) -> Result<(), CliError> {
        let Some(step) = self.first_failed() else {
            return Ok(());
        };
        let failed = CliError::new(step.exit, format!("{}: {}", step.name, step.seen));
        Err(match &step.fix {
            Some(fix) => failed.with_hint(fix.clone()),
            None => failed,
        })
    }

    fn first_failed(&self) -> Option<&Step> {
        let mut steps = self.steps.iter();
        steps.find(|step| step.state == State::Failed)
    }
}

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Returns the operating system, its release and the architecture, without the host name.
pub(super) fn system() -> String {
    let name = rustix::system::uname();
    format!(
        "{} {} on {}",
        name.sysname().to_string_lossy(),
        name.release().to_string_lossy(),
        std::env::consts::ARCH
    )
}
