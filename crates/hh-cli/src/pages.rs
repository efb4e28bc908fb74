//! Prints pages of events and sessions.

use hh_sdk::HoneyHive;
use hh_sdk::api::types::EventList;

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{List as ResultList, Screen};

/// The fields that an event does not have if they have no value.
pub(crate) const OPTIONAL_EVENT_FIELDS: [&str; 2] = ["parent_id", "error"];

/// The project that requests go to.
enum Selected<'a> {
    /// An option or a setting selects it.
    Project(&'a str),
    /// The server selects it by the key.
    Default,
    /// No request is sent.
    TestMode,
}

impl Context {
    /// Warns that a page was truncated because its events are large.
    fn warn_truncated(&self, what: &str, page: &EventList) {
        let shown = page.events.len();
        if page.truncated {
            self.note(&format!(
                "The page was truncated after {shown} {what} because of their size; set --limit to {shown} or less and continue with --page"
            ));
        }
    }

    /// Prints a page of events, or of sessions, and reports on stderr what it does not contain.
    pub(crate) fn print_page(
        &self,
        what: &str,
        arguments: &List,
        page: &EventList,
        text: impl FnOnce(&Screen) -> Vec<String>,
    ) -> Result<(), CliError> {
        self.warn_truncated(what, page);
        let shown = page.events.len() as u64;
        let before = u64::from(arguments.page - 1) * u64::from(arguments.limit);
        let is_last = before + shown >= page.total_events;
        self.printer().list(
            &ResultList {
                items: &page.events,
                // The server does not count the events after this page.
                total: is_last.then_some(page.total_events),
                next: (!is_last).then(|| arguments.page.saturating_add(1)),
                optional: &OPTIONAL_EVENT_FIELDS,
            },
            text,
        )?;
        self.print_pagination(what, arguments, shown, page.total_events);
        Ok(())
    }

    /// Returns the project of the requests.
    fn selected_project(&self) -> Selected<'_> {
        let client = self.client(None);
        let settings = client.ok().map(HoneyHive::settings);
        match settings {
            Some(settings) if !settings.test_mode.value => match &settings.project {
                Some(project) => Selected::Project(&project.value),
                None => Selected::Default,
            },
            Some(_) | None => Selected::TestMode,
        }
    }

    /// Reports that a page is empty or does not contain all results.
    pub(crate) fn print_pagination(&self, what: &str, list: &List, shown: u64, total: u64) {
        let before = u64::from(list.page - 1) * u64::from(list.limit);
        if total == 0 {
            self.note(&match self.selected_project() {
                Selected::Project(name) => format!("No {what} found in project {name}"),
                Selected::Default => format!(
                    "No {what} found in the default project of the key; use --project to select another project"
                ),
                Selected::TestMode => format!("No {what} found"),
            });
        } else if shown == 0 {
            self.note(&format!(
                "Page {} is after the last page ({total} {what} in total)",
                list.page
            ));
        } else if before + shown < total {
            self.note(&format!(
                "Showing {shown} of at least {total} {what}; use --limit and --page {} to see more",
                list.page.saturating_add(1)
            ));
        }
    }
}
