//! Counts the spans of an export that are rejected, with the reasons.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The number of different reasons in a response.
const MAX_REASONS: usize = 4;

/// The rejected spans of an export.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    total: u32,
    /// The reasons in the order of their first span, with the number of spans.
    reasons: Vec<(Cow<'static, str>, u32)>,
}

impl Rejections {
    /// Counts a span. The reason contains no data of the span.
    pub(super) fn add(&mut self, reason: impl Into<Cow<'static, str>>) {
        self.total = self.total.saturating_add(1);
        let reason = reason.into();
        if let Some((_, count)) = self.reasons.iter_mut().find(|(known, _)| *known == reason) {
            *count += 1;
        } else if self.reasons.len() < MAX_REASONS {
            self.reasons.push((reason, 1));
        }
    }

    /// Returns the number of rejected spans.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// Returns the reasons as one line, each with the number of spans.
    pub(crate) fn message(&self) -> String {
        let mut message = String::new();
        let mut rest = self.total;
        for (reason, count) in &self.reasons {
            rest -= count;
            // Writing to a string cannot fail.
            let _ = write!(
                message,
                "{}{}: {reason}",
                separator(&message),
                spans(*count)
            );
        }
        if rest > 0 {
            let _ = write!(
                message,
                "{}{}: other reasons",
                separator(&message),
                spans(rest)
            );
        }
        message
    }
}

fn separator(message: &str) -> &'static str {
    if message.is_empty() { "" } else { "; " }
}

fn spans(count: u32) -> String {
    match count {
        1 => "1 span".to_owned(),
        count => format!("{count} spans"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_with_the_number_of_their_spans() {
        let mut rejections = Rejections::default();
        assert_eq!(rejections.message(), "");
        for reason in ["a", "b", "a", "c", "d", "e", "f"] {
            rejections.add(reason);
        }
        assert_eq!(
            rejections.message(),
            "2 spans: a; 1 span: b; 1 span: c; 1 span: d; 2 spans: other reasons"
        );
        assert_eq!(rejections.total(), 7);
    }
}
