//! Implements the steps from the host name to an encrypted connection.

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
use crate::output::cut;

/// The maximum number of host names to print, because a certificate may contain hundreds.
const MAX_NAMES: usize = 4;
/// The maximum length of text from a certificate, in characters. The text is not trusted.
const MAX_WORDS: usize = 80;

/// Describes which proxy is used and why. Returns no probe if the server cannot be reached with these settings.
pub(super) fn proxy(probe: Result<Probe, Error>, resolved: &Resolved) -> (Finding, Option<Probe>) {
    let probe = match probe {
        Ok(probe) => probe,
        Err(error) if error.kind() == ErrorKind::Tls => {
            let hint = error.hint().unwrap_or_default();
            let fix = format!("change {}: {hint}", base_url_place(resolved));
            return (Finding::failed(NETWORK, error.to_string(), fix), None);
        }
        Err(error) => return (Finding::network_failure(error), None),
    };
    let set = proxy_setting(resolved);
    let seen = match (probe.proxy(), set) {
        (Some(proxy), Some((name, place))) => format!("{proxy}, set by {name} ({place})"),
        (Some(proxy), None) => proxy.to_owned(),
        (None, None) => "no proxy is set".to_owned(),
        (None, Some((name, _))) if probe.is_loopback() => {
            format!("no proxy: {name} does not apply to this machine")
        }
        (None, Some((name, _))) if !probe.is_tls() => {
            format!("no proxy: {name} does not apply to plain HTTP")
        }
        (None, Some((name, _))) => {
            let place = place(resolved, names::NO_PROXY).unwrap_or_default();
            format!("no proxy: no_proxy ({place}) contains the host, so {name} does not apply")
        }
    };
    (Finding::ok(seen), Some(probe))
}

/// Returns the setting that configures the proxy for HTTPS, and its source.
pub(super) fn proxy_setting(resolved: &Resolved) -> Option<(SettingName, String)> {
    let mut settings = [names::PROXY_URL, names::HTTPS_PROXY, names::ALL_PROXY].into_iter();
    settings.find_map(|name| Some((name, place(resolved, name)?)))
}

/// Returns the source of a setting.
fn place(resolved: &Resolved, name: SettingName) -> Option<String> {
    let found = resolved.stack.text(name).ok().flatten()?;
    Some(found.provenance.to_string())
}

/// The addresses at which the server, or the proxy, was reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    AtAllAddresses,
    AtSomeAddresses,
}

/// Runs the network steps. Returns `None` if the server was not reached.
pub(super) async fn run_steps(
    resolved: &Resolved,
    probe: &Probe,
    report: &mut Report,
) -> Result<Option<Reached>, CliError> {
    let addresses = report.wait("dns", dns(resolved, probe)).await?.flatten();
    let Some(addresses) = addresses else {
        report.skip(later(probe, "dns"), "dns")?;
        return Ok(None);
    };
    let connection = tcp(resolved, probe, &addresses);
    let Some((connection, reached)) = report.wait("tcp", connection).await?.flatten() else {
        report.skip(later(probe, "tcp"), "tcp")?;
        return Ok(None);
    };
    let connection = if probe.proxy().is_some() {
        let asked = tunnel(resolved, probe, connection);
        let Some(connection) = report.wait("tunnel", asked).await?.flatten() else {
            report.skip(later(probe, "tunnel"), "tunnel")?;
            return Ok(None);
        };
        connection
    } else {
        connection
    };
    if !probe.is_tls() {
        let why = if probe.is_loopback() {
            "plain HTTP to this machine"
        } else {
            "plain HTTP, allowed by insecure_http_hosts"
        };
        report.add_skipped("tls", why)?;
        return Ok(Some(reached));
    }
    let greeted = tls(resolved, probe, connection);
    if report.wait("tls", greeted).await? == Some(true) {
        return Ok(Some(reached));
    }
    report.skip(&["health"], "tls")?;
    Ok(None)
}

/// Returns the steps that follow `step` for this kind of connection.
fn later(probe: &Probe, step: &str) -> &'static [&'static str] {
    let all: &[_] = match (probe.proxy().is_some(), probe.is_tls()) {
        (true, _) => &["dns", "tcp", "tunnel", "tls", "health"],
        (false, true) => &["dns", "tcp", "tls", "health"],
        (false, false) => &["dns", "tcp", "health"],
    };
    let at = all.iter().position(|name| *name == step);
    at.map_or(all, |at| &all[at + 1..])
}

/// Resolves the first host.
async fn dns(resolved: &Resolved, probe: &Probe) -> (Finding, Option<Vec<SocketAddr>>) {
    let (host, _) = probe.first_host();
    match probe.resolve().await {
        Ok(addresses) => {
            let shown: Vec<_> = addresses.iter().map(|a| a.ip().to_string()).collect();
            let seen = match shown.as_slice() {
                [one] if one == host.trim_matches(['[', ']']) => {
                    format!("{host} is an IP address")
                }
                all => format!("{host} resolves to {}", all.join(", ")),
            };
            (Finding::ok(seen), Some(addresses))
        }
        Err(error) => {
            let fix = format!(
                "check the host in {}, and whether other names resolve on this machine (VPN, /etc/resolv.conf)",
                host_place(resolved, probe)
            );
            (Finding::failed(NETWORK, error.to_string(), fix), None)
        }
    }
}

/// Returns the setting that contains the first host to connect to, and its source.
fn host_place(resolved: &Resolved, probe: &Probe) -> String {
    match proxy_setting(resolved).filter(|_| probe.proxy().is_some()) {
        Some((name, place)) => format!("{name} ({place})"),
        None => base_url_place(resolved),
    }
}

/// Connects to the addresses.
async fn tcp(
    resolved: &Resolved,
    probe: &Probe,
    addresses: &[SocketAddr],
) -> (Finding, Option<(Connection, Reached)>) {
    let mut first = None;
    let mut shown = Vec::new();
    let mut errors = Vec::new();
    for (address, connection) in probe.connect(addresses).await {
        match connection {
            Ok(connection) => {
                shown.push(format!("{address} is reachable"));
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
        let reached = if errors.is_empty() {
            Reached::AtAllAddresses
        } else {
            Reached::AtSomeAddresses
        };
        return (Finding::ok(seen), Some((first, reached)));
    }
    let place = host_place(resolved, probe);
    let is_late = |error: &TransportError| error.kind() == TransportErrorKind::Timeout;
    let fix = if errors.iter().any(is_late) {
        format!(
            "check whether a firewall blocks the connection or the host is down; if this network requires a proxy, set https_proxy; otherwise check {place}"
        )
    } else if probe.proxy().is_some() {
        format!(
            "check that the proxy is running, or correct {place}; no process listens on that port"
        )
    } else if probe.is_loopback() {
        format!("start the server (`honeyhive server start`), or correct {place}")
    } else {
        format!(
            "check that the server is running, or correct {place}; no process listens on that port"
        )
    };
    (Finding::failed(NETWORK, seen, fix), None)
}

/// Opens a tunnel through the proxy.
async fn tunnel(
    resolved: &Resolved,
    probe: &Probe,
    connection: Connection,
) -> (Finding, Option<Connection>) {
    match probe.tunnel(connection).await {
        Ok(connection) => {
            let seen = format!("{} opened a tunnel", probe.proxy().unwrap_or_default());
            (Finding::ok(seen), Some(connection))
        }
        Err(error) => {
            let fix = if let Some(hint) = error.hint() {
                hint.to_owned()
            } else if error.kind() == TransportErrorKind::Proxy {
                format!(
                    "ask the operator of the proxy to allow the host, or add the host to no_proxy if it is reachable directly; the proxy was set by {}",
                    host_place(resolved, probe)
                )
            } else {
                String::new()
            };
            (Finding::failed(NETWORK, error.message(), fix), None)
        }
    }
}

/// Performs the TLS handshake. Returns whether it succeeded.
async fn tls(resolved: &Resolved, probe: &Probe, connection: Connection) -> (Finding, bool) {
    let handshake = match probe.handshake(connection).await {
        Ok(handshake) => handshake,
        Err(error) => return (Finding::network_failure(error.into()), false),
    };
    let certificate = handshake.certificate.as_ref();
    let facts = certificate.map_or_else(String::new, |it| facts(it, &issuer(it)));
    // The issuer often names the user's company.
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
                "check {}; the server may not support TLS on this port",
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

/// Returns the issuer of a certificate for a message.
fn issuer(certificate: &Certificate) -> String {
    if certificate.is_self_signed {
        "itself".to_owned()
    } else if certificate.issuer.is_empty() {
        "an unknown issuer".to_owned()
    } else {
        cut(&certificate.issuer, MAX_WORDS).into_owned()
    }
}

/// Describes the names, the issuer and the validity of a certificate.
fn facts(certificate: &Certificate, issuer: &str) -> String {
    let names = &certificate.names;
    let mut shown: Vec<_> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| cut(name, MAX_WORDS).into_owned())
        .collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("{} more", names.len() - MAX_NAMES));
    }
    format!(
        "; certificate for {}, signed by {issuer}, valid from {} to {}",
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

/// Describes which trust store is used.
fn roots(resolved: &Resolved, roots: Roots) -> String {
    let mut files = [names::CA_BUNDLE, names::SSL_CERT_PATH].into_iter();
    match roots {
        Roots::Platform => "using the system trust store".to_owned(),
        Roots::BuiltIn => "using the built-in trust store because the system has none".to_owned(),
        Roots::File => {
            let file = files.find_map(|name| Some((name, place(resolved, name)?)));
            let file = file.map(|(name, place)| format!("{name} ({place})"));
            format!("using the certificates in {}", file.unwrap_or_default())
        }
        Roots::Unchecked | _ => format!(
            "certificates are not verified (verify_ssl from {})",
            resolved.settings.verify_ssl.provenance
        ),
    }
}

/// Returns what to do about a certificate problem.
fn fix(resolved: &Resolved, handshake: &Handshake) -> Option<String> {
    let now = day(SystemTime::now());
    Some(match handshake.problem? {
        CertificateProblem::Expired => format!(
            "renew the certificate of the server, or correct the clock of this machine (it says {now})"
        ),
        CertificateProblem::NotYetValid => {
            format!("correct the clock of this machine (it says {now})")
        }
        CertificateProblem::WrongName => format!(
            "use one of these names in {}, or issue a certificate for the current name",
            base_url_place(resolved)
        ),
        CertificateProblem::UnknownAuthority => {
            "if your company or a proxy uses its own certificate authority, set its certificate file: `honeyhive config set ca_bundle FILE`".to_owned()
        }
        CertificateProblem::Other | _ => return None,
    })
}
