//! Implements the steps that check the response of the server and its clock.

use std::time::{Duration, Instant, SystemTime};

use hh_sdk::api::OpId;
use hh_sdk::config::Origin;
use hh_sdk::tooling::{Probe, ProbeResponse, Resolved, TransportErrorKind};
use jiff::Timestamp;

use super::configuration::base_url_place;
use super::report::{Finding, NETWORK};
use crate::context::Context;
use crate::exit::Exit;

/// The tolerated clock difference.
const SKEW: Duration = Duration::from_mins(5);

/// Requests the health of the server without a key. Returns the response unless the step failed.
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
            let fix = format!("check {place}; the server is overloaded or is not an HTTP server");
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
            "received a web page instead of an API response: the login page of this network, or the website of the server",
            format!(
                "open http://example.com in a browser and log in to the network; if there is no login page, correct {place}"
            ),
        ),
        511 => Finding::failed(
            NETWORK,
            "this network requires a login (511)",
            "open http://example.com in a browser and log in to the network",
        ),
        200..=299 => Finding::ok(format!("GET {path} returned {status}")),
        300..=399 => redirected(resolved, &answer),
        404 if base.is_some() => match probe.get(health).await {
            Ok(root) if is_well(&root) => Finding::failed(
                NETWORK,
                format!(
                    "GET {path} returned 404, but GET {health} returned {}: the path in base_url is wrong",
                    root.status
                ),
                format!("correct {place}: set it to {}", base_url.origin()),
            ),
            Ok(_) | Err(_) => unknown(&path, &place),
        },
        404 => unknown(&path, &place),
        500..=599 => Finding::note(
            format!(
                "reachable, but GET {path} returned {status}: the server or a proxy in front of it has failed"
            ),
            "try again later, or contact the operator of the server",
        ),
        _ => Finding::note(
            format!("reachable: GET {path} returned {status}"),
            "the next steps show whether it is a HoneyHive server",
        ),
    };
    let is_there = !finding.is_failed();
    (finding, is_there.then_some(answer))
}

/// Returns the finding for a 404 response.
fn unknown(path: &str, place: &str) -> Finding {
    Finding::note(
        format!("reachable, but GET {path} returned 404"),
        format!(
            "if the next steps also fail, check {place}; it may contain the wrong server or path"
        ),
    )
}

/// Describes a redirect. Redirects are not followed, because they lead to another server or to the correct `base_url`.
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
            format!("correct the path in {place}; redirects are not followed"),
        ),
        Ok(origin) => Finding::failed(
            NETWORK,
            format!(
                "the response is a redirect ({status}) to another server, {origin}: the login page of this network, or the new address of the server"
            ),
            format!(
                "open http://example.com in a browser and log in to the network; if the server has moved, correct {place}"
            ),
        ),
        Err(_) if is_absolute => Finding::failed(
            NETWORK,
            format!(
                "the response is a redirect ({status}) to an unknown server, possibly the login page of this network"
            ),
            "open http://example.com in a browser and log in to the network",
        ),
        Err(_) => Finding::failed(
            NETWORK,
            format!("the server redirects ({status}) to another path"),
            format!("correct the path in {place}; redirects are not followed"),
        ),
    }
}

/// Compares the clock of this machine with the clock of the server.
pub(super) fn clock(answer: &ProbeResponse) -> Finding {
    let Some(there) = answer.date else {
        return Finding::skipped("the server does not report its time");
    };
    // The server reports whole seconds.
    let here = SystemTime::now();
    let (ahead, way) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    if ahead <= SKEW {
        return Finding::ok("in sync with the server");
    }
    let time = |time| {
        let time = Timestamp::try_from(time);
        time.map_or_else(|_| "(no date)".to_owned(), |time| format!("{time:.0}"))
    };
    let minutes = (ahead.as_secs() + 30) / 60;
    Finding::failed(
        Exit::Other,
        format!(
            "the clock of this machine is {minutes} min {way} the server: local time {}, server time {}",
            time(here),
            time(there)
        ),
        "correct the clock of this machine (`timedatectl set-ntp true`), unless the clock of the server is wrong; a wrong clock affects certificates, the expiry of keys and the times of spans",
    )
}
