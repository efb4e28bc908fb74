//! The steps as they are found, shown one by one, and what they come to.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::anonymous::clean;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

/// What a failed step of the network ends the program with, unless it says otherwise.
pub(super) const NETWORK: Exit = Exit::Network;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    /// It works, but is worth a look.
    Note,
    Failed,
    /// What it needs has failed, or it has nothing to look at.
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
}

/// What was found in one step.
pub(super) struct Finding {
    state: State,
    seen: String,
    /// The same without names, to be given away.
    anonymous: Option<String>,
    /// What names a person or an organization, for this terminal alone.
    identity: Option<String>,
    fix: Option<String>,
    exit: Exit,
}

impl Finding {
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

    pub(super) fn note(seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Note,
            fix: Some(fix.into()).filter(|fix| !fix.is_empty()),
            ..Self::ok(seen)
        }
    }

    pub(super) fn failed(exit: Exit, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: State::Failed,
            exit,
            ..Self::note(seen, fix)
        }
    }

    /// Returns the finding of a failure of the network without a name of its own.
    pub(super) fn network_failure(error: hh_sdk::Error) -> Self {
        let error = CliError::from(error);
        let exit = error.exit();
        Self::failed(exit, error.message(), error.hint().unwrap_or_default())
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self {
            state: State::Skipped,
            ..Self::ok(why)
        }
    }

    pub(super) fn is_failed(&self) -> bool {
        self.state == State::Failed
    }

    pub(super) fn with_anonymous(mut self, seen: String) -> Self {
        self.anonymous = Some(seen);
        self
    }

    pub(super) fn with_identity(mut self, identity: String) -> Self {
        self.identity = Some(identity);
        self
    }
}

/// One step as it is shown.
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

/// All that was found.
pub(super) struct Report {
    steps: Vec<Step>,
    notes: Vec<String>,
    /// Steps are printed as they come.
    is_live: bool,
    until: Option<Instant>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    version: &'static str,
    ok: bool,
    exit_code: u8,
    steps: &'a [Step],
    notes: &'a [String],
}

/// The widths of the columns before what was seen.
const STATE: usize = 9;
const NAME: usize = 16;
const TIME: usize = 9;

impl Report {
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

    /// Says what runs here, before the first step.
    pub(super) fn print_header(&self) -> Result<(), CliError> {
        if !self.is_live {
            return Ok(());
        }
        output::lines([format!("honeyhive {VERSION}, {}", system())])
    }

    /// Gives all that waits from here on so much time together.
    pub(super) fn limit_waits(&mut self, time: Duration) {
        self.until = Some(Instant::now() + time);
    }

    /// Takes a step.
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

    /// Takes a step that waits; `None` if there was no time left for it.
    pub(super) async fn wait<T>(
        &mut self,
        name: &'static str,
        step: impl Future<Output = (Finding, T)>,
    ) -> Result<Option<T>, CliError> {
        let start = Instant::now();
        let until = self.until.unwrap_or(start);
        // Calls of the client are large.
        let done = tokio::time::timeout_at(until.into(), Box::pin(step)).await;
        let (finding, more) = match done {
            Ok((finding, more)) => (finding, Some(more)),
            Err(_) => (
                Finding::failed(
                    NETWORK,
                    "it did not come to an end in time: all steps together take too long here",
                    "see which steps above are slow; the first of them is what to look at",
                ),
                None,
            ),
        };
        self.add(name, Some(start), finding)?;
        Ok(more)
    }

    /// Says that steps are not taken, since one before has failed.
    pub(super) fn skip(&mut self, names: &[&'static str], needs: &str) -> Result<(), CliError> {
        names
            .iter()
            .try_for_each(|name| self.add_skipped(name, &format!("needs {needs}")))
    }

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
            let mut lines = vec![format!("{state:STATE$}{name:NAME$}{time:TIME$} {seen}")];
            lines.extend(step.fix.iter().map(|fix| format!("{:STATE$}-> {fix}", "")));
            output::lines(lines)?;
        }
        self.steps.push(step);
        Ok(())
    }

    /// Adds what is worth knowing beside the steps.
    pub(super) fn note(&mut self, note: &str) -> Result<(), CliError> {
        let note = clean(note);
        if self.is_live {
            output::lines([format!("{:STATE$}{note}", State::Note.as_str())])?;
        }
        self.notes.push(note);
        Ok(())
    }

    pub(super) fn json(&self) -> Result<(), CliError> {
        let exit = self.first_failed().map_or(Exit::Ok, |step| step.exit);
        output::json(&JsonReport {
            version: VERSION,
            ok: exit == Exit::Ok,
            exit_code: exit as u8,
            steps: &self.steps,
            notes: &self.notes,
        })
    }

    /// The first failed step as the failure of the command.
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

/// The system, without the name of the machine.
pub(super) fn system() -> String {
    let name = rustix::system::uname();
    format!(
        "{} {} on {}",
        name.sysname().to_string_lossy(),
        name.release().to_string_lossy(),
        std::env::consts::ARCH
    )
}
