//! The steps from a name to an encrypted connection.

use std::net::SocketAddr;
use std::time::SystemTime;

use hh_sdk::config::{SettingName, names};
use hh_sdk::tooling::{
    Certificate, CertificateProblem, Connection, Handshake, Probe, Resolved, Roots, TransportError,
    TransportErrorKind,
};
use hh_sdk::{Error, ErrorKind};
use jiff::Timestamp;

use super::configuration::base_url_place;
use super::report::{Finding, NETWORK, Report};
use crate::error::CliError;
use crate::output::shorten;

/// A certificate may name hundreds of hosts.
const MAX_NAMES: usize = 4;
/// Its words are a stranger's.
const MAX_WORDS: usize = 80;

/// Says which proxy is used and why; without a way there is nothing to go.
pub(super) fn proxy(probe: Result<Probe, Error>, resolved: &Resolved) -> (Finding, Option<Probe>) {
    let probe = match probe {
        Ok(probe) => probe,
        Err(error) if error.kind() == ErrorKind::Tls => {
            let fix = format!(
                "write https:// in {}: a key must not cross a network in the clear",
                base_url_place(resolved)
            );
            return (Finding::failed(NETWORK, error.to_string(), fix), None);
        }
        Err(error) => return (Finding::network_failure(error), None),
    };
    let set = proxy_setting(resolved);
    let seen = match (probe.proxy(), set) {
        (Some(proxy), Some((name, place))) => format!("{proxy}, by {name} ({place})"),
        (Some(proxy), None) => proxy.to_owned(),
        (None, None) => "none is set".to_owned(),
        (None, Some((name, _))) if probe.is_loopback() => {
            format!("none: this machine is reached directly, whatever {name} says")
        }
        (None, Some((name, _))) => {
            let place = place(resolved, names::NO_PROXY).unwrap_or_default();
            format!("none: no_proxy ({place}) lists the host, so {name} does not count")
        }
    };
    (Finding::ok(seen), Some(probe))
}

/// The setting that names a proxy for https, and its place.
pub(super) fn proxy_setting(resolved: &Resolved) -> Option<(SettingName, String)> {
    let mut settings = [names::PROXY_URL, names::HTTPS_PROXY].into_iter();
    settings.find_map(|name| Some((name, place(resolved, name)?)))
}

fn place(resolved: &Resolved, name: SettingName) -> Option<String> {
    let found = resolved.stack.text(name).ok().flatten()?;
    Some(found.provenance.to_string())
}

/// Goes all the way; tells whether it leads to the server.
pub(super) async fn run_steps(
    resolved: &Resolved,
    probe: &Probe,
    report: &mut Report,
) -> Result<bool, CliError> {
    let addresses = report.wait("dns", dns(resolved, probe)).await?.flatten();
    let Some(addresses) = addresses else {
        report.skip(later(probe, "dns"), "dns")?;
        return Ok(false);
    };
    let connection = tcp(resolved, probe, &addresses);
    let Some(connection) = report.wait("tcp", connection).await?.flatten() else {
        report.skip(later(probe, "tcp"), "tcp")?;
        return Ok(false);
    };
    let connection = if probe.proxy().is_some() {
        let asked = tunnel(resolved, probe, connection);
        let Some(connection) = report.wait("tunnel", asked).await?.flatten() else {
            report.skip(later(probe, "tunnel"), "tunnel")?;
            return Ok(false);
        };
        connection
    } else {
        connection
    };
    if !probe.is_tls() {
        report.add_skipped("tls", "plain http, which stays on this machine")?;
        return Ok(true);
    }
    let greeted = tls(resolved, probe, connection);
    if report.wait("tls", greeted).await? == Some(true) {
        return Ok(true);
    }
    report.skip(&["health"], "tls")?;
    Ok(false)
}

/// The steps that come after one, on this way.
fn later(probe: &Probe, step: &str) -> &'static [&'static str] {
    let all: &[_] = match (probe.proxy().is_some(), probe.is_tls()) {
        (true, _) => &["dns", "tcp", "tunnel", "tls", "health"],
        (false, true) => &["dns", "tcp", "tls", "health"],
        (false, false) => &["dns", "tcp", "health"],
    };
    let at = all.iter().position(|name| *name == step);
    at.map_or(all, |at| &all[at + 1..])
}

async fn dns(resolved: &Resolved, probe: &Probe) -> (Finding, Option<Vec<SocketAddr>>) {
    let (host, _) = probe.first_host();
    match probe.resolve().await {
        Ok(addresses) => {
            let shown: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
            let seen = match shown.as_slice() {
                [one] if one == host.trim_matches(['[', ']']) => {
                    format!("{host} is an address")
                }
                all => format!("{host} is {}", all.join(", ")),
            };
            (Finding::ok(seen), Some(addresses))
        }
        Err(error) => {
            let fix = format!(
                "check the host in {}, and whether other names resolve here (a VPN, /etc/resolv.conf)",
                host_place(resolved, probe)
            );
            (Finding::failed(NETWORK, error.to_string(), fix), None)
        }
    }
}

/// The setting that names the host that is resolved to first.
fn host_place(resolved: &Resolved, probe: &Probe) -> String {
    match proxy_setting(resolved).filter(|_| probe.proxy().is_some()) {
        Some((name, place)) => format!("{name} ({place})"),
        None => base_url_place(resolved),
    }
}

async fn tcp(
    resolved: &Resolved,
    probe: &Probe,
    addresses: &[SocketAddr],
) -> (Finding, Option<Connection>) {
    let mut first = None;
    let mut shown = Vec::new();
    let mut errors = Vec::new();
    for (address, connection) in probe.connect(addresses).await {
        match connection {
            Ok(connection) => {
                shown.push(format!("{address} answers"));
                first.get_or_insert(connection);
            }
            Err(error) => {
                shown.push(format!("{address}: {}", error.cause().unwrap_or_default()));
                errors.push(error);
            }
        }
    }
    let seen = shown.join(", ");
    if let Some(first) = first {
        return (Finding::ok(seen), Some(first));
    }
    let place = host_place(resolved, probe);
    let is_late = |error: &TransportError| error.kind() == TransportErrorKind::Timeout;
    let fix = if errors.iter().any(is_late) {
        format!(
            "a firewall in between drops what is sent, or the host is down; if this network has a proxy, set https_proxy; else check {place}"
        )
    } else if probe.proxy().is_some() {
        format!("nobody listens on that port: check that the proxy runs, or correct {place}")
    } else if probe.is_loopback() {
        format!("start the server there (`honeyhive server start`), or correct {place}")
    } else {
        format!("nobody listens on that port: check that the server runs, or correct {place}")
    };
    (Finding::failed(NETWORK, seen, fix), None)
}

async fn tunnel(
    resolved: &Resolved,
    probe: &Probe,
    connection: Connection,
) -> (Finding, Option<Connection>) {
    match probe.tunnel(connection).await {
        Ok(connection) => {
            let seen = format!("{} connects on", probe.proxy().unwrap_or_default());
            (Finding::ok(seen), Some(connection))
        }
        Err(error) => {
            let fix = if let Some(hint) = error.hint() {
                hint.to_owned()
            } else if error.kind() == TransportErrorKind::Proxy {
                format!(
                    "ask those who run the proxy to let you reach the host, or add the host to no_proxy if it can be reached directly; the proxy is from {}",
                    host_place(resolved, probe)
                )
            } else {
                String::new()
            };
            (Finding::failed(NETWORK, error.message(), fix), None)
        }
    }
}

async fn tls(resolved: &Resolved, probe: &Probe, connection: Connection) -> (Finding, bool) {
    let handshake = match probe.handshake(connection).await {
        Ok(handshake) => handshake,
        Err(error) => return (Finding::network_failure(error.into()), false),
    };
    let certificate = handshake.certificate.as_ref();
    let facts = certificate.map_or_else(String::new, |it| facts(it, &issuer(it)));
    // Who signs is often the company that somebody works for.
    let anonymous = certificate.map_or_else(String::new, |it| self::facts(it, "[issuer]"));
    let roots = roots(resolved, handshake.roots);
    let Some(error) = &handshake.error else {
        let version = handshake.version.unwrap_or("TLS");
        let shown = |facts: &str| format!("{version}{facts}; {roots}");
        let finding = Finding::ok(shown(&facts)).with_anonymous(shown(&anonymous));
        return (finding, true);
    };
    let seen = error.message();
    let fix = fix(resolved, &handshake)
        .or_else(|| error.hint().map(str::to_owned))
        .unwrap_or_else(|| {
            format!(
                "what listens there may not speak TLS: check {}",
                base_url_place(resolved)
            )
        });
    let shown = |facts: &str| {
        if facts.is_empty() {
            seen.to_owned()
        } else {
            format!("{seen}{facts}; {roots}")
        }
    };
    let finding = Finding::failed(NETWORK, shown(&facts), fix);
    (finding.with_anonymous(shown(&anonymous)), false)
}

fn issuer(certificate: &Certificate) -> String {
    if certificate.is_self_signed {
        "itself".to_owned()
    } else if certificate.issuer.is_empty() {
        "somebody without a name".to_owned()
    } else {
        shorten(&certificate.issuer, MAX_WORDS)
    }
}

fn facts(certificate: &Certificate, issuer: &str) -> String {
    let names = &certificate.names;
    let mut shown: Vec<_> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| shorten(name, MAX_WORDS))
        .collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("{} more", names.len() - MAX_NAMES));
    }
    format!(
        "; its certificate is for {}, signed by {issuer}, valid from {} to {}",
        shown.join(", "),
        day(certificate.not_before),
        day(certificate.not_after)
    )
}

fn day(time: SystemTime) -> String {
    let time = Timestamp::try_from(time);
    time.map_or_else(
        |_| "(no date)".to_owned(),
        |time| time.strftime("%Y-%m-%d").to_string(),
    )
}

fn roots(resolved: &Resolved, roots: Roots) -> String {
    let mut files = [names::CA_BUNDLE, names::SSL_CERT_PATH].into_iter();
    match roots {
        Roots::Platform => "trusted are the authorities of the system".to_owned(),
        Roots::BuiltIn => {
            "trusted are the built-in authorities, since the system has none".to_owned()
        }
        Roots::File => {
            let file = files.find_map(|name| Some((name, place(resolved, name)?)));
            let file = file.map(|(name, place)| format!("{name} ({place})"));
            format!("trusted is the file of {}", file.unwrap_or_default())
        }
        Roots::Unchecked | _ => format!(
            "nothing is checked, by verify_ssl ({})",
            resolved.settings.verify_ssl.provenance
        ),
    }
}

fn fix(resolved: &Resolved, handshake: &Handshake) -> Option<String> {
    let now = day(SystemTime::now());
    Some(match handshake.problem? {
        CertificateProblem::Expired => format!(
            "the server needs a new certificate, unless the clock of this machine is wrong: it says {now}"
        ),
        CertificateProblem::NotYetValid => {
            format!("set the clock of this machine: it says {now}")
        }
        CertificateProblem::WrongName => format!(
            "use one of those names in {}, or have the server get a certificate for this one",
            base_url_place(resolved)
        ),
        CertificateProblem::UnknownAuthority => {
            "if your company or a proxy has an authority of its own, name the file of its certificate: `honeyhive config set ca_bundle FILE`".to_owned()
        }
        CertificateProblem::Other | _ => return None,
    })
}
