//! Collects the problems of one file or figment provider, up to a limit.

use std::fmt::Display;

use crate::{LoadErrorKind, Problem};

/// The problems of one file or figment provider: a limited number of them, and the number of further ones.
#[derive(Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// The maximum number of problems that are listed.
    const MOST: usize = 20;

    /// Returns whether the list is full, so that a further problem is only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.list.len() >= Self::MOST
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.list.push(problem);
        }
    }

    /// Returns the listed problems, and a last one with the number of further problems. `place` is the name of the file or
    /// provider in messages.
    pub(crate) fn into_list(mut self, place: impl Display) -> Vec<Problem> {
        if self.more > 0 {
            let message = format!("{place}: further problems (not listed): {}", self.more);
            let problem = Problem::new(LoadErrorKind::Conflict, message);
            // The list is sorted by location, and this problem must be the last of its file.
            let last = self.list.last().and_then(Problem::provenance).cloned();
            self.list.push(match last {
                Some(provenance) => problem.at(provenance),
                None => problem,
            });
        }
        self.list
    }
}

#[cfg(feature = "files")]
impl Problems {
    /// Counts a problem that is not listed.
    pub(crate) fn count(&mut self) {
        self.more += 1;
    }

    /// Adds the problems of a part of the file, and returns those for which `keep` is true instead of adding them.
    pub(crate) fn extend_except(
        &mut self,
        part: Self,
        keep: impl Fn(&Problem) -> bool,
    ) -> Vec<Problem> {
        self.more += part.more;
        let (kept, others): (Vec<_>, Vec<_>) = part.list.into_iter().partition(keep);
        for problem in others {
            self.push(problem);
        }
        kept
    }
}
