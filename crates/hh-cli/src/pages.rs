//! Reads and prints pages of events and sessions.

use hh_sdk::api::types::{Event, EventList, ExportEvents};
use hh_sdk::{ErrorKind, HoneyHive};

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{List as ResultList, Progress, Screen};

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
    /// Prints a page of events, or of sessions, and reports on stderr what it does not contain.
    pub(crate) fn print_page(
        &self,
        what: &str,
        arguments: &List,
        page: &EventList,
        text: impl FnOnce(&Screen) -> Vec<String>,
    ) -> Result<(), CliError> {
        let shown = page.events.len() as u64;
        let before = u64::from(arguments.page - 1) * u64::from(arguments.limit);
        let is_last = before + shown >= page.total_events;
        self.printer().list(
            &ResultList {
                items: &page.events,
                total: (is_last || page.total_is_exact).then_some(page.total_events),
                next: (!is_last).then(|| arguments.page.saturating_add(1)),
                optional: &OPTIONAL_EVENT_FIELDS,
            },
            text,
        )?;
        self.print_pagination(what, arguments, shown, page);
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
    pub(crate) fn print_pagination(&self, what: &str, list: &List, shown: u64, page: &EventList) {
        let total = page.total_events;
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
            let least = if page.total_is_exact { "" } else { "at least " };
            self.note(&format!(
                "Showing {shown} of {least}{total} {what}; use --limit and --page {} to see more",
                list.page.saturating_add(1)
            ));
        }
    }
}

/// Reads a page of the results of a query. A server truncates a page of large events, so it may need several requests.
pub(crate) async fn read_page(
    client: &HoneyHive,
    query: ExportEvents,
    list: &List,
    progress: Progress,
) -> Result<EventList, hh_sdk::Error> {
    let before = (list.page - 1).saturating_mul(list.limit);
    read(
        client,
        query,
        (before, Some(list.limit)),
        list.limit,
        progress,
    )
    .await
}

/// Reads all results of a query, `limit` events at a time.
pub(crate) async fn read_all(
    client: &HoneyHive,
    query: ExportEvents,
    limit: u32,
    progress: Progress,
) -> Result<Vec<Event>, hh_sdk::Error> {
    let all = read(client, query, (0, None), limit, progress).await?;
    Ok(all.events)
}

/// Reads the results after the first `before` ones: `count` of them, or all. The number of results of a request becomes
/// smaller if they are large.
async fn read(
    client: &HoneyHive,
    query: ExportEvents,
    (before, count): (u32, Option<u32>),
    mut limit: u32,
    mut progress: Progress,
) -> Result<EventList, hh_sdk::Error> {
    let mut found = EventList::default();
    loop {
        // Pages of another size have other boundaries, so the page that contains the next event may begin with known
        // events, which are skipped.
        let read = u32::try_from(found.events.len()).unwrap_or(u32::MAX);
        let done = before.saturating_add(read);
        progress.set(read.into(), count.map(u64::from));
        let page = client.export_events(ExportEvents {
            limit: Some(limit),
            page: Some(done / limit + 1),
            ..query.clone()
        });
        let page = match page.await {
            // Some servers reject a page that is too large.
            Err(error) if error.kind() == ErrorKind::TooLarge && limit > 1 => {
                limit = limit.div_ceil(2);
                continue;
            }
            page => page?,
        };
        let size = u32::try_from(page.events.len()).unwrap_or(u32::MAX);
        let is_truncated = page.truncated && limit > 1;
        found
            .events
            .extend(page.events.into_iter().skip((done % limit) as usize));
        // The total of a truncated page can be lower than that of the whole page.
        found.total_events = found.total_events.max(page.total_events);
        found.total_is_exact = page.total_is_exact;
        let is_complete = count.is_some_and(|count| found.events.len() >= count as usize);
        if is_complete || !is_truncated && size < limit {
            found
                .events
                .truncate(count.map_or(usize::MAX, |count| count as usize));
            return Ok(found);
        }
        if is_truncated {
            limit = size.clamp(1, limit - 1);
        }
    }
}
