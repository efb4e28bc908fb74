//! The hosts that are reached without a proxy: the syntax of `NO_PROXY` and its rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ::reqwest::Url;
use http::Uri;

use crate::target::is_loopback;

/// The hosts that are reached without a proxy, parsed from a list such as the value of `NO_PROXY`.
///
/// Entries are separated by commas, semicolons or white space. An entry is one of these, in upper or lower case:
///
/// | entry | matches |
/// | --- | --- |
/// | `corp.example`, `.corp.example` | the host and its subdomains |
/// | `*.corp.example` | the subdomains |
/// | `10.1.2.3`, `fd00::1`, `[fd00::1]` | the address, also as an IPv4-mapped IPv6 address |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses of the network |
/// | `*` | all hosts |
///
/// A port, as in `corp.example:8443` or `[fd00::1]:8443`, limits the entry to this port. A dot at the end of a name is
/// ignored. Names are not resolved: an address matches only a URL that contains an address.
///
/// ```
/// use hh_transport::NoProxy;
///
/// let no_proxy = NoProxy::parse("*.corp.example 10.0.0.0/8");
/// assert!(no_proxy.is_direct(&"https://api.corp.example/".parse().unwrap()));
/// assert!(!no_proxy.is_direct(&"https://api.honeyhive.ai/".parse().unwrap()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    rules: Vec<Rule>,
    ignored: Vec<String>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// The domain and its subdomains.
    Domain(String),
    Subdomains(String),
    Network {
        address: IpAddr,
        /// The number of bits that all addresses of the network share.
        prefix: u8,
    },
}

impl NoProxy {
    /// Parses a list. Entries of any other form are ignored, and [`ignored`](Self::ignored) returns them.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let mut parsed = Self::default();
        let is_separator = |c: char| matches!(c, ',' | ';') || c.is_whitespace();
        for entry in list.split(is_separator).filter(|entry| !entry.is_empty()) {
            match Rule::parse(entry) {
                Some(rule) => parsed.rules.push(rule),
                None => parsed.ignored.push(entry.to_owned()),
            }
        }
        parsed
    }

    /// Returns the entries that could not be parsed.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Returns whether requests to `uri` never use a proxy: requests over plain HTTP, to loopback addresses, and to
    /// hosts in this list.
    #[must_use]
    pub fn is_direct(&self, uri: &Uri) -> bool {
        let is_https = uri.scheme_str() == Some("https");
        !is_https || uri.host().is_none_or(is_loopback) || self.contains(uri)
    }

    fn contains(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(443);
        let address = address(host);
        let name = host.strip_suffix('.').unwrap_or(host);
        self.rules.iter().any(|rule| {
            let is_port = rule.port.is_none_or(|wanted| wanted == port);
            is_port
                && match address {
                    Some(address) => rule.hosts.contains_address(address),
                    None => rule.hosts.contains_name(name),
                }
        })
    }
}

impl Rule {
    fn parse(entry: &str) -> Option<Self> {
        // Tried first, because an IPv6 address without brackets contains colons.
        if let Some(hosts) = network(entry) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (entry, None),
        };
        let hosts = if host == "*" {
            Hosts::All
        } else if let Some(network) = network(host) {
            network
        } else if let Some(name) = host.strip_prefix("*.") {
            Hosts::Subdomains(domain(name)?)
        } else {
            Hosts::Domain(domain(host.strip_prefix('.').unwrap_or(host))?)
        };
        Some(Self { hosts, port })
    }
}

impl Hosts {
    fn contains_address(&self, address: IpAddr) -> bool {
        match self {
            Self::All => true,
            Self::Network {
                address: network,
                prefix,
            } => is_in(address, *network, *prefix),
            Self::Domain(_) | Self::Subdomains(_) => false,
        }
    }

    fn contains_name(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Domain(domain) => name.eq_ignore_ascii_case(domain) || is_subdomain(name, domain),
            Self::Subdomains(domain) => is_subdomain(name, domain),
            Self::Network { .. } => false,
        }
    }
}

/// Returns whether an address belongs to a network.
fn is_in(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    // A shift by all bits is not defined, and 0 bits are equal in all addresses.
    let shift = |all: u32| all - u32::from(prefix);
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = address.to_bits() ^ network.to_bits();
            differing.checked_shr(shift(Ipv4Addr::BITS)).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = address.to_bits() ^ network.to_bits();
            differing.checked_shr(shift(Ipv6Addr::BITS)).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn is_subdomain(name: &str, domain: &str) -> bool {
    // Names in URLs are ASCII. Another name has no subdomain in the list.
    let at = name.len().checked_sub(domain.len());
    let parts = at.and_then(|at| name.split_at_checked(at));
    parts.is_some_and(|(front, end)| front.ends_with('.') && end.eq_ignore_ascii_case(domain))
}

/// Parses an address, or a network such as `10.0.0.0/8`. Brackets around an IPv6 address are optional.
fn network(text: &str) -> Option<Hosts> {
    let (text, prefix) = match text.split_once('/') {
        Some((text, prefix)) => (text, Some(prefix)),
        None => (text, None),
    };
    let literal = match text.strip_prefix('[') {
        Some(text) => IpAddr::V6(text.strip_suffix(']')?.parse().ok()?),
        None => text.parse::<IpAddr>().ok()?,
    };
    let all = if literal.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(prefix) => prefix.parse::<u8>().ok().filter(|prefix| *prefix <= all)?,
        None => all,
    };
    // An IPv4-mapped network is the IPv4 network, unless it contains other addresses, too.
    Some(match (literal.to_canonical(), prefix.checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(prefix)) if literal.is_ipv6() => {
            Hosts::Network { address, prefix }
        }
        _ => Hosts::Network {
            address: literal,
            prefix,
        },
    })
}

/// Returns the address in the host of a URL.
fn address(host: &str) -> Option<IpAddr> {
    let literal = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']')?,
        None => host,
    };
    literal.parse::<IpAddr>().ok().map(|it| it.to_canonical())
}

/// Returns a name in the form that it has in a URL: in lower case, and in ASCII.
fn domain(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    // Other characters would be other parts of the URL, or are not part of any name.
    let is_usual = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !name.chars().all(is_usual) {
        return None;
    }
    let url = Url::parse(&format!("https://{name}/")).ok()?;
    let domain = url.domain()?;
    let has_empty_part = domain.split('.').any(str::is_empty);
    (!has_empty_part).then(|| domain.to_owned())
}

fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

#[cfg(test)]
mod tests;
