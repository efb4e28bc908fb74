//! Decides how long events are kept.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

/// The number of days that a setting allows.
pub(crate) const DAYS: RangeInclusive<u32> = 1..=36_500;

/// How many days events are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// The number of days in projects without their own number; `None` keeps events forever.
    pub(crate) days: Option<u32>,
    /// The number of days by the name of the project.
    pub(crate) projects: BTreeMap<String, u32>,
}

impl Retention {
    /// Returns the number of days that events of a project are kept; `None` means forever.
    pub(crate) fn days(&self, project: &str) -> Option<u32> {
        self.projects.get(project).copied().or(self.days)
    }
}

/// Returns the first start time of events that are kept for a number of days, in nanoseconds since 1970.
pub(crate) fn first_kept(now: Timestamp, days: u32) -> i64 {
    let age = SignedDuration::from_hours(i64::from(days) * 24);
    let first = now.checked_sub(age).unwrap_or(Timestamp::MIN);
    i64::try_from(first.as_nanosecond()).unwrap_or(i64::MIN)
}
