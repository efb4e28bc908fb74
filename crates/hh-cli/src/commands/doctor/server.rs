//! The steps that look at an answer: whether HoneyHive answers there at all, and what time it is there.

use std::time::{Duration, Instant, SystemTime};

use hh_sdk::api::OpId;
use hh_sdk::config::Origin;
use hh_sdk::tooling::{Probe, ProbeResponse, Resolved, TransportErrorKind};
use jiff::Timestamp;

use super::configuration::base_url_place;
use super::report::{Finding, NETWORK};
use crate::context::Context;
use crate::exit::Exit;

/// The clocks may differ by so much before somebody notices.
const SKEW: Duration = Duration::from_mins(5);

/// Asks for the health of the server, without a key. Any answer of a HoneyHive server will do, and is returned.
pub(super) async fn health(
    context: &Context,
    resolved: &Resolved,
    probe: &Probe,
) -> (Finding, Option<ProbeResponse>) {
    let base_url = &resolved.settings.base_url.value;
    let health = OpId::Health.operation().route().path;
    let base = base_url.as_str().splitn(4, '/').nth(3);
    let path = base.map_or_else(|| health.to_owned(), |base| format!("/{base}{health}"));
    let start = Instant::now();
    let answer = match probe.get(&path).await {
        Ok(answer) => answer,
        Err(error) => {
            let place = base_url_place(resolved);
            let fix = format!("the server is overloaded, or is no HTTP server: check {place}");
            let finding = if error.kind() == TransportErrorKind::Timeout {
                Finding::failed(NETWORK, error.to_string(), fix)
            } else {
                Finding::network_failure(error.into())
            };
            return (finding, None);
        }
    };
    let millis = start.elapsed().as_millis();
    if resolved.settings.debug.value {
        context.note(&format!(
            "debug: GET {}{health}: {} in {millis} ms",
            base_url, answer.status
        ));
    }
    let place = base_url_place(resolved);
    let is_well = |answer: &ProbeResponse| (200..300).contains(&answer.status) && !answer.is_html;
    let (status, is_html) = (answer.status, answer.is_html);
    let finding = match status {
        200..=299 if is_html => Finding::failed(
            NETWORK,
            "a web page came in place of an answer of the API: the login page of this network, or the web site of the server",
            format!(
                "open http://example.com in a browser and log in to the network; if that is not it, correct {place}"
            ),
        ),
        511 => Finding::failed(
            NETWORK,
            "this network wants a login first (511)",
            "open http://example.com in a browser and log in to the network",
        ),
        200..=299 => Finding::ok(format!("GET {path} answered {status}")),
        300..=399 => redirected(resolved, &answer),
        404 if base.is_some() => match probe.get(health).await {
            Ok(root) if is_well(&root) => Finding::failed(
                NETWORK,
                format!(
                    "GET {path} answered 404, but GET {health} answers {}: the path in base_url is wrong",
                    root.status
                ),
                format!("correct {place}: set it to {}", base_url.origin()),
            ),
            Ok(_) | Err(_) => unknown(&path, &place),
        },
        404 => unknown(&path, &place),
        500..=599 => Finding::note(
            format!(
                "reached, but GET {path} answered {status}: the server, or a proxy before it, is in trouble"
            ),
            "try again later, or ask those who run the server",
        ),
        _ => Finding::note(
            format!("reached: GET {path} answered {status}"),
            "the next steps tell whether it is HoneyHive",
        ),
    };
    let is_there = !finding.is_failed();
    (finding, is_there.then_some(answer))
}

fn unknown(path: &str, place: &str) -> Finding {
    Finding::note(
        format!("reached, but GET {path} answered 404"),
        format!(
            "if the next steps fail too, this is another server or another path than you mean: check {place}"
        ),
    )
}

/// No redirect is followed: it leads to another server, or to where `base_url` should lead.
fn redirected(resolved: &Resolved, answer: &ProbeResponse) -> Finding {
    let status = answer.status;
    let own = resolved.settings.base_url.value.origin();
    let place = base_url_place(resolved);
    let location = answer.location.as_deref().unwrap_or_default();
    let is_absolute = location.contains("://") || location.starts_with("//");
    match Origin::parse(location) {
        Ok(origin) if origin == *own => Finding::failed(
            NETWORK,
            format!("the server redirects ({status}) to another path"),
            format!("no redirect is followed: correct the path in {place}"),
        ),
        Ok(origin) => Finding::failed(
            NETWORK,
            format!(
                "the answer is a redirect ({status}) to another server, {origin}: the login page of this network, or the server has moved"
            ),
            format!(
                "open http://example.com in a browser and log in to the network; if the server has moved, correct {place}"
            ),
        ),
        Err(_) if is_absolute => Finding::failed(
            NETWORK,
            format!(
                "the answer is a redirect ({status}) to somewhere else: the login page of this network?"
            ),
            "open http://example.com in a browser and log in to the network",
        ),
        Err(_) => Finding::failed(
            NETWORK,
            format!("the server redirects ({status}) to another path"),
            format!("no redirect is followed: correct the path in {place}"),
        ),
    }
}

/// Compares the clock with the server's.
pub(super) fn clock(answer: &ProbeResponse) -> Finding {
    let Some(there) = answer.date else {
        return Finding::skipped("the server does not tell the time");
    };
    // The server tells whole seconds.
    let here = SystemTime::now();
    let (ahead, way) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    if ahead <= SKEW {
        return Finding::ok("as the server's");
    }
    let time = |time| {
        let time = Timestamp::try_from(time);
        time.map_or_else(|_| "(no date)".to_owned(), |time| format!("{time:.0}"))
    };
    let minutes = (ahead.as_secs() + 30) / 60;
    Finding::failed(
        Exit::Other,
        format!(
            "this machine is {minutes} min {way} the server: here it is {}, there {}",
            time(here),
            time(there)
        ),
        "set the clock of this machine (`timedatectl set-ntp true`), unless the server's is wrong: else certificates look expired or not yet valid, keys that expire are taken for good or bad at the wrong time, and spans get wrong times",
    )
}
