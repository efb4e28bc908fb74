//! Reads and prints pages of events and sessions.

use hh_sdk::api::types::{Event, EventList, ExportEvents, Filter};
use hh_sdk::{ErrorKind, EventQuery, HoneyHive};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::List;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{List as ResultList, Progress, Screen};

/// The fields of an event, in their order.
pub(crate) const EVENT_FIELDS: [&str; 18] = [
    "event_id",
    "session_id",
    "parent_id",
    "event_type",
    "event_name",
    "source",
    "project_id",
    "config",
    "inputs",
    "outputs",
    "error",
    "start_time",
    "end_time",
    "duration",
    "metadata",
    "metrics",
    "feedback",
    "user_properties",
];

/// The fields that an event does not have if they have no value.
pub(crate) const OPTIONAL_EVENT_FIELDS: [&str; 2] = ["parent_id", "error"];

/// The conditions for the events that a command reads.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Selection {
    pub(crate) filters: Vec<Filter>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Selection {
    /// Selects events by the value of a field.
    pub(crate) fn of(field: &str, value: &str) -> Self {
        Self {
            filters: vec![Filter::is(field, value)],
            ..Self::default()
        }
    }

    /// Returns the query for a page.
    fn request(self) -> ExportEvents {
        let has_range = self.since.is_some() || self.until.is_some();
        // Hosted HoneyHive requires both bounds.
        let since = self.since.unwrap_or(Timestamp::UNIX_EPOCH);
        let until = self.until.unwrap_or(Timestamp::MAX);
        let range = json!({ "$gte": since.to_string(), "$lte": until.to_string() });
        ExportEvents {
            filters: self.filters,
            date_range: has_range.then_some(range),
            ..ExportEvents::default()
        }
    }

    /// Returns the query for all pages.
    pub(crate) fn query(self) -> EventQuery {
        let mut query = EventQuery::new();
        for filter in self.filters {
            query = query.with_filter(filter);
        }
        if let Some(since) = self.since {
            query = query.with_since(since);
        }
        if let Some(until) = self.until {
            query = query.with_until(until);
        }
        query
    }
}

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
                    "No {what} found in the only project of the key, or in project default if the key applies to several; use --project to select another project"
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
                "Showing {shown} of {least}{total} {what}; use --page {}, --limit or --all to see more",
                list.page.saturating_add(1)
            ));
        }
    }
}

/// Reads the page that the arguments select, or all pages.
pub(crate) async fn read_list(
    client: &HoneyHive,
    selection: Selection,
    list: &List,
    mut progress: Progress,
) -> Result<EventList, hh_sdk::Error> {
    if list.all {
        let events = read_all(client, selection, &mut progress).await?;
        let total = events.len() as u64;
        return Ok(EventList {
            events,
            total_events: total,
            ..EventList::default()
        });
    }
    let request = selection.request();
    if list.page == 1 {
        let found = read_first(client, &request, list.limit, &mut progress).await?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    read_numbered(client, &request, list, &mut progress).await
}

/// Reads all selected events.
pub(crate) async fn read_all(
    client: &HoneyHive,
    selection: Selection,
    progress: &mut Progress,
) -> Result<Vec<Event>, hh_sdk::Error> {
    let mut events = Vec::new();
    let mut pages = client.events().search(selection.query());
    while let Some(page) = pages.next_page().await? {
        events.extend(page);
        progress.set(events.len() as u64, None);
    }
    Ok(events)
}

/// Reads the first `count` results of a query with cursors, because a server returns only a part of a page with a
/// cursor if the query takes long or the events are large. Returns `None` if the server has no cursors.
async fn read_first(
    client: &HoneyHive,
    request: &ExportEvents,
    count: u32,
    progress: &mut Progress,
) -> Result<Option<EventList>, hh_sdk::Error> {
    let mut found = EventList::default();
    let mut cursor = String::new();
    let mut limit = count;
    loop {
        let read = u32::try_from(found.events.len()).unwrap_or(u32::MAX);
        progress.set(read.into(), Some(count.into()));
        let wanted = limit.min(count.saturating_sub(read));
        let page = client.export_events(ExportEvents {
            limit: Some(wanted),
            cursor: Some(cursor.clone()),
            ..request.clone()
        });
        let page = match page.await {
            Err(error) if error.kind() == ErrorKind::TooLarge && wanted > 1 => {
                limit = wanted.div_ceil(2);
                continue;
            }
            // The server may reject the cursor because it does not know this member.
            Err(error) if error.kind() == ErrorKind::Invalid && cursor.is_empty() => {
                return Ok(None);
            }
            page => page?,
        };
        let is_full = page.events.len() >= wanted as usize;
        found.events.extend(page.events);
        let total = found.events.len() as u64;
        let is_complete = total >= u64::from(count);
        if cursor.is_empty() {
            found.total_events = page.total_events;
            found.total_is_exact = page.total_is_exact;
        }
        match page.next {
            Some(next) if !is_complete && next != cursor => cursor = next,
            Some(_) => {
                if !found.total_is_exact {
                    found.total_events = found.total_events.max(total + 1);
                }
                return Ok(Some(found));
            }
            None if cursor.is_empty() => {
                // Without cursors, a page that is not full can be followed by others.
                let needs_more = !is_complete && (page.truncated || is_full);
                return Ok((!needs_more).then_some(found));
            }
            None => {
                found.total_events = total;
                found.total_is_exact = true;
                return Ok(Some(found));
            }
        }
    }
}

/// Reads a page of the results of a query by its number. A server truncates a page of large events, so it may need
/// several requests. The number of results of a request becomes smaller if they are large.
async fn read_numbered(
    client: &HoneyHive,
    request: &ExportEvents,
    list: &List,
    progress: &mut Progress,
) -> Result<EventList, hh_sdk::Error> {
    let (count, mut limit) = (list.limit, list.limit);
    let before = (list.page - 1).saturating_mul(count);
    let mut found = EventList::default();
    loop {
        // Pages of another size have other boundaries, so the page that contains the next event may begin with known
        // events, which are skipped.
        let read = u32::try_from(found.events.len()).unwrap_or(u32::MAX);
        let done = before.saturating_add(read);
        progress.set(read.into(), Some(count.into()));
        let page = client.export_events(ExportEvents {
            limit: Some(limit),
            page: Some(done / limit + 1),
            ..request.clone()
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
        let is_complete = found.events.len() >= count as usize;
        if is_complete || !is_truncated && size < limit {
            found.events.truncate(count as usize);
            return Ok(found);
        }
        if is_truncated {
            limit = size.clamp(1, limit - 1);
        }
    }
}
