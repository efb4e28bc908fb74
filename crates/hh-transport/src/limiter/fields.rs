//! The `RateLimit` fields of an answer, in the forms that servers send.
//!
//! The current draft (draft-ietf-httpapi-ratelimit-headers-10) has `RateLimit: "default";r=0;t=30`; an older one has
//! `RateLimit: limit=100, remaining=0, reset=30`; the oldest has `RateLimit-Remaining` and `RateLimit-Reset`.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

const CURRENT: HeaderName = HeaderName::from_static("ratelimit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Returns for how long the server has nothing left for us; `None` if it has, or does not say.
pub(crate) fn exhausted_for(headers: &HeaderMap) -> Option<Duration> {
    let current = headers.get_all(CURRENT).iter();
    let current = current.filter_map(|value| longest_of(value.to_str().ok()?));
    let number = |name: HeaderName| number(headers.get(name)?.to_str().ok()?);
    let oldest = || (number(REMAINING)? == 0).then(|| number(RESET))?;
    let seconds = current.max().or_else(oldest)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Returns the longest reset of the policies that have nothing left.
fn longest_of(value: &str) -> Option<u64> {
    let mut longest = None;
    let (mut remaining, mut reset) = (None, None);
    for part in value.split([';', ',']).map(str::trim) {
        match part.split_once('=') {
            Some(("r" | "remaining", value)) => remaining = number(value),
            Some(("t" | "reset", value)) => reset = number(value),
            Some(_) => {}
            // The name of the next policy.
            None => (remaining, reset) = (None, None),
        }
        if remaining == Some(0) {
            longest = longest.max(reset);
        }
    }
    longest
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seconds(fields: &[(&'static str, &'static str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        exhausted_for(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(seconds(&[("ratelimit", "\"default\";r=0;t=30")]), Some(30));
        assert_eq!(
            seconds(&[("ratelimit", "\"a\";r=0;t=3, \"b\";r=5;t=90, \"c\";r=0;t=7")]),
            Some(7)
        );
        assert_eq!(
            seconds(&[("ratelimit", "limit=100, remaining=0, reset=12")]),
            Some(12)
        );
        assert_eq!(
            seconds(&[
                ("ratelimit", "\"a\";r=0;t=3"),
                ("ratelimit", "\"b\";r=0;t=4")
            ]),
            Some(4)
        );
        assert_eq!(
            seconds(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "9")]),
            Some(9)
        );
    }

    #[test]
    fn headers_with_calls_left_or_odd_values_delay_nothing() {
        for value in [
            "",
            "\"a\";r=1;t=30",
            "\"a\";r=0",
            "\"a\";t=30",
            "r=0;t=-1",
            "r=0;t=soon",
            "\"a\";r=0;t=0",
            "remaining=1, reset=5",
        ] {
            assert_eq!(seconds(&[("ratelimit", value)]), None, "{value}");
        }
        assert_eq!(seconds(&[("ratelimit-remaining", "0")]), None);
        assert_eq!(seconds(&[("ratelimit-reset", "5")]), None);
        assert_eq!(
            seconds(&[("ratelimit-remaining", "1"), ("ratelimit-reset", "5")]),
            None
        );
    }
}
