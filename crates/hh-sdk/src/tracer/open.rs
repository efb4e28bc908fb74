//! The sessions and spans that have not ended, for the report of a shutdown.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::shutdown::ShutdownReport;

/// The number of names in a report.
const MAX_NAMES: usize = 10;

/// The limit of a stored name, in bytes.
const MAX_NAME: usize = 64;

/// The number of places above which the memory is released when the last session or span ends.
const MAX_IDLE_PLACES: usize = 1024;

/// The place of an open session or span in [`OpenItems`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(usize);

/// The sessions and spans that have not ended.
#[derive(Debug, Default)]
pub(super) struct OpenItems {
    places: Mutex<Places>,
}

/// The places of open items. Free places keep their memory, so that a usual span allocates nothing.
#[derive(Debug, Default)]
struct Places {
    items: Vec<Item>,
    free: Vec<usize>,
    /// The number of the next item.
    next: u64,
}

/// An open item, or a free place.
#[derive(Debug)]
struct Item {
    /// The number of the item, which increases with the time of the start; `None` if the place is free.
    number: Option<u64>,
    /// The beginning of the name.
    name: String,
}

impl OpenItems {
    /// Adds a session or a span that starts.
    pub(super) fn add(&self, name: &str) -> Place {
        let name = beginning(name);
        let mut places = self.lock();
        let number = Some(places.next);
        places.next = places.next.wrapping_add(1);
        if let Some(free) = places.free.pop()
            && let Some(item) = places.items.get_mut(free)
        {
            item.number = number;
            item.name.clear();
            item.name.push_str(name);
            return Place(free);
        }
        places.items.push(Item {
            number,
            name: name.to_owned(),
        });
        Place(places.items.len() - 1)
    }

    /// Removes a session or a span that ends.
    pub(super) fn remove(&self, place: Place) {
        let mut places = self.lock();
        if let Some(item) = places.items.get_mut(place.0) {
            item.number = None;
            places.free.push(place.0);
        }
        if places.free.len() == places.items.len() && places.items.len() > MAX_IDLE_PLACES {
            places.items = Vec::new();
            places.free = Vec::new();
        }
    }

    /// Returns the number and the names of the open items, those that started first.
    pub(super) fn report(&self) -> ShutdownReport {
        let places = self.lock();
        let mut open: Vec<_> = places
            .items
            .iter()
            .filter_map(|item| Some((item.number?, &item.name)))
            .collect();
        open.sort_unstable();
        let names = open.iter().take(MAX_NAMES);
        ShutdownReport {
            open_count: open.len(),
            open_names: names.map(|(_, name)| (*name).clone()).collect(),
        }
    }

    /// Locks the places.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the beginning of a name that is stored.
fn beginning(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME)]
}
