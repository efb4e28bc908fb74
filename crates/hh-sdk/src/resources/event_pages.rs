//! Reads all events that match a query, page by page.

use std::collections::VecDeque;
use std::mem;

use hh_api::types::{Event, EventList, ExportEvents};
use jiff::Timestamp;

use super::event_position::{EventPosition, Place, TimePlace};
use super::event_query::EventQuery;
use crate::{Error, ErrorKind, HoneyHive};

/// The events that match a query. The next request is sent when the events of the last one were returned.
///
/// Events that are stored while the pages are read do not change which of the other events are returned. No event is
/// returned twice, except a session whose start changes meanwhile because an earlier span of it arrives.
///
/// The server returns a cursor with each page. If a search takes long, it returns the events that it has found so far.
/// On servers without cursors, the search continues by start time.
#[derive(Debug)]
pub struct EventPages {
    client: HoneyHive,
    query: EventQuery,
    place: Place,
    limit: u32,
    unread: VecDeque<Event>,
}

impl EventPages {
    pub(super) fn new(client: HoneyHive, query: EventQuery) -> Self {
        let EventPosition(place) = query.position();
        let limit = query.page_size();
        Self {
            client,
            query,
            place,
            limit,
            unread: VecDeque::new(),
        }
    }

    /// Returns the next event; `None` after the last one.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors). The next call repeats the failed request.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.unread.pop_front() {
                return Ok(Some(event));
            }
            match self.read_page().await? {
                Some(events) => self.unread = events.into(),
                None => return Ok(None),
            }
        }
    }

    /// Returns the events of the next page, or those that [`next`](Self::next) has not returned yet; `None` after the
    /// last page. A page can be empty if the search takes long.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors). The next call repeats the failed request.
    ///
    /// # Examples
    /// ```no_run
    /// use hh_sdk::EventQuery;
    ///
    /// # async fn example(client: hh_sdk::HoneyHive) -> Result<(), hh_sdk::Error> {
    /// let mut pages = client.events().search(EventQuery::new());
    /// while let Some(events) = pages.next_page().await? {
    ///     println!("{} events, continue at {:?}", events.len(), pages.position());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_page(&mut self) -> Result<Option<Vec<Event>>, Error> {
        if self.unread.is_empty() {
            return self.read_page().await;
        }
        Ok(Some(mem::take(&mut self.unread).into()))
    }

    /// Returns where the page after the last one that was read starts, for [`EventQuery::with_position`].
    #[must_use]
    pub fn position(&self) -> EventPosition {
        EventPosition(self.place.clone())
    }

    /// Reads the next page.
    async fn read_page(&mut self) -> Result<Option<Vec<Event>>, Error> {
        while let Some(request) = self.request() {
            match self.client.export_events(request).await {
                Ok(page) => return self.accept(page).map(Some),
                // The server may reject the cursor because it does not know this member.
                Err(error) if error.kind() == ErrorKind::Invalid && self.is_at_start() => {
                    self.place = Place::Time(TimePlace::START);
                }
                Err(error) if error.kind() == ErrorKind::TooLarge && self.limit > 1 => {
                    self.shrink(self.limit.div_ceil(2));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn is_at_start(&self) -> bool {
        matches!(&self.place, Place::Cursor(cursor) if cursor.is_empty())
    }

    /// Returns the next request; `None` after the last page.
    fn request(&self) -> Option<ExportEvents> {
        let request = match &self.place {
            Place::Cursor(cursor) => ExportEvents {
                cursor: Some(cursor.clone()),
                ..self.query.request(None)
            },
            Place::Time(place) => ExportEvents {
                page: Some(place.page),
                ..self.query.request(place.bound.map(to_time))
            },
            Place::End => return None,
        };
        Some(ExportEvents {
            limit: Some(self.limit),
            ..request
        })
    }

    /// Requests fewer events from now on. The numbers of pages change, so the events at the bound are read again.
    fn shrink(&mut self, limit: u32) {
        self.limit = limit;
        if let Place::Time(place) = &mut self.place {
            place.page = 1;
        }
    }

    /// Returns the new events of a page and moves to the next one.
    fn accept(&mut self, page: EventList) -> Result<Vec<Event>, Error> {
        let place = match (&self.place, page.next) {
            (Place::Cursor(cursor), Some(next)) if *cursor == next => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the server returned the same cursor again for the next page of events",
                ));
            }
            (_, Some(next)) => {
                self.place = Place::Cursor(next);
                return Ok(page.events);
            }
            // The first page of a server without cursors, or the only page.
            (Place::Cursor(cursor), None) if cursor.is_empty() => TimePlace::START,
            (Place::Time(place), None) => place.clone(),
            (Place::Cursor(_) | Place::End, None) => {
                self.place = Place::End;
                return Ok(page.events);
            }
        };
        Ok(self.accept_by_time(place, page.events, page.truncated))
    }

    /// Returns the new events of a page of a server without cursors and moves to the next page.
    fn accept_by_time(
        &mut self,
        place: TimePlace,
        events: Vec<Event>,
        is_truncated: bool,
    ) -> Vec<Event> {
        let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let Some(last) = events.last().map(|event| event.start_time) else {
            self.place = Place::End;
            return events;
        };
        let is_last = count < self.limit && !is_truncated;
        let is_at_bound = place.bound == Some(last);
        let mut next = TimePlace {
            bound: Some(last),
            known: Vec::new(),
            page: 1,
        };
        let known = place.known;
        if is_at_bound {
            // All events of the page start at the same time, so the bound cannot be lowered.
            next.known.clone_from(&known);
            if is_truncated && self.limit > 1 {
                self.limit = count.clamp(1, self.limit - 1);
            } else {
                next.page = place.page + 1;
            }
        }
        let is_new = |event: &Event| !known.contains(&event.event_id);
        let events: Vec<_> = events.into_iter().filter(is_new).collect();
        let at_bound = events
            .iter()
            .filter(|event| event.start_time.total_cmp(&last).is_eq());
        next.known.extend(at_bound.map(|event| event.event_id));
        self.place = if is_last {
            Place::End
        } else {
            Place::Time(next)
        };
        events
    }
}

/// Converts the milliseconds of the API to a time. The server converts the time back to the same milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond the range saturates, and no event has such a time"
)]
fn to_time(millis: f64) -> Timestamp {
    let whole = millis.floor();
    let nanos = ((millis - whole) * 1e6).round() as i128;
    let nanos = (whole as i128)
        .saturating_mul(1_000_000)
        .saturating_add(nanos);
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_converted_back_to_the_same_milliseconds() {
        for nanos in (0..5000).map(|step| 1_795_461_676_880_265_471_i64 + step * 997) {
            let millis = hh_api::to_millis(nanos);
            let back = i64::try_from(to_time(millis).as_nanosecond()).unwrap();
            assert_eq!(
                hh_api::to_millis(back).to_bits(),
                millis.to_bits(),
                "{nanos}"
            );
        }
    }
}
