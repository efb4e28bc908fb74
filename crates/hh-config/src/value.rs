//! Parses the raw text of a setting into a value of its kind.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use hh_key::KeyInName;
use hh_text::Diagnostic;
use url::Url;

use crate::setting::Protection;
use crate::{BaseUrl, Kind, SettingSpec};

/// The typed value of a setting that is not a secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Boolean(bool),
    Number(f64),
    Count(u64),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
}

/// Parses the value of a setting.
///
/// # Errors
/// The expected form of the value, such as `expected true or false`. The error never contains the value.
pub(crate) fn parse_setting(declared: &SettingSpec, text: &str) -> Result<Value, Diagnostic> {
    check_name(declared.kind, text)
        .map_err(|error| Diagnostic::new(error.to_string()).with_hint(error.hint()))?;
    let value = parse(declared.kind, text).map_err(|expected| {
        let invalid = Diagnostic::new(expected);
        if matches!(declared.kind, Kind::Url) && is_quoted(text) {
            invalid.with_hint("remove the quotes")
        } else {
            invalid
        }
    })?;
    match declared.protection {
        Some(protection) if asks_for(protection, &value, declared.default) => Err(Diagnostic::new(
            "this protection is not supported yet, and data would be sent without it",
        )
        .with_hint("remove the setting")),
        Some(_) | None => Ok(value),
    }
}

fn is_quoted(text: &str) -> bool {
    text.trim()
        .starts_with(['"', '\'', '`', '\u{201c}', '\u{2018}'])
}

/// Checks that a value of a kind that is a name is not an API key.
pub(crate) fn check_name(kind: Kind, text: &str) -> Result<(), KeyInName> {
    match kind {
        Kind::Name | Kind::Project => hh_key::check_name(text),
        Kind::Path => hh_key::check_path(text),
        Kind::Text
        | Kind::Url
        | Kind::Proxy
        | Kind::Boolean
        | Kind::Seconds(..)
        | Kind::Number(..)
        | Kind::Count(..)
        | Kind::Choice(_)
        | Kind::List
        | Kind::Hosts
        | Kind::HostPatterns
        | Kind::Map => Ok(()),
    }
}

/// Returns whether a value requests the protection of a setting.
fn asks_for(protection: Protection, value: &Value, default: Option<&str>) -> bool {
    match (protection, value) {
        (Protection::On, Value::Boolean(is_on)) => *is_on,
        (Protection::Off, Value::Boolean(is_on)) => !is_on,
        (Protection::NotEmpty, Value::List(list)) => {
            let default = default.and_then(|text| parse(Kind::List, text).ok());
            !list.is_empty() && default.as_ref() != Some(value)
        }
        (_, _) => false,
    }
}

/// Parses a text as a value of a kind.
///
/// # Errors
/// The expected form of the value. The error never contains the value.
pub(crate) fn parse(kind: Kind, text: &str) -> Result<Value, String> {
    let plain = || Value::Text(text.to_owned());
    match kind {
        Kind::Text | Kind::Name | Kind::Path => Ok(plain()),
        Kind::Project if is_project(text) => Ok(plain()),
        Kind::Project => {
            Err("expected 1 to 100 characters, without / \\ ? # & or control characters".to_owned())
        }
        Kind::Url => match BaseUrl::parse(text) {
            Ok(_) => Ok(plain()),
            Err(error) => Err(error.to_string()),
        },
        Kind::Proxy => match proxy(text) {
            Some(_) => Ok(plain()),
            None => Err("expected a proxy URL such as http://proxy.example:3128".to_owned()),
        },
        Kind::Boolean => boolean(text)
            .map(Value::Boolean)
            .ok_or_else(|| "expected true or false".to_owned()),
        Kind::Seconds(low, high) => {
            number(text, low, high).ok_or_else(|| format!("expected {low} to {high} seconds"))
        }
        Kind::Number(low, high) => {
            number(text, low, high).ok_or_else(|| format!("expected a number from {low} to {high}"))
        }
        Kind::Count(low, high) => text
            .parse::<u64>()
            .ok()
            .filter(|count| (low..=high).contains(count))
            .map(Value::Count)
            .ok_or_else(|| format!("expected a whole number from {low} to {high}")),
        Kind::Choice(words) => {
            let word = text.to_ascii_lowercase();
            if words.contains(&word.as_str()) {
                Ok(Value::Text(word))
            } else {
                Err(format!("expected one of {}", words.join(", ")))
            }
        }
        Kind::List => list(text)
            .map(Value::List)
            .ok_or_else(|| "expected a list of strings".to_owned()),
        Kind::Hosts => hosts(text).map(Value::List).ok_or_else(|| {
            "expected host names or IP addresses, without ports and wildcards".to_owned()
        }),
        Kind::HostPatterns => Ok(Value::List(host_patterns(text))),
        Kind::Map => serde_json::from_str(text).map(Value::Map).map_err(|_| {
            "expected a JSON object of strings, such as {\"name\": \"text\"}".to_owned()
        }),
    }
}

/// Parses a boolean in any of its spellings (see `docs/design/decisions.md#p9`).
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "enabled" => Some(true),
        "false" | "0" | "no" | "off" | "disabled" => Some(false),
        _ => None,
    }
}

fn number(text: &str, low: f64, high: f64) -> Option<Value> {
    let number = text.parse::<f64>().ok()?;
    (low..=high)
        .contains(&number)
        .then_some(Value::Number(number))
}

fn is_project(text: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '&');
    (1..=100).contains(&text.chars().count()) && !text.contains(odd)
}

/// Parses strings separated by commas, or a JSON array of strings.
fn list(text: &str) -> Option<Vec<String>> {
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    Some(separated(text))
}

fn separated(text: &str) -> Vec<String> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Parses host names and IP addresses, and returns them in the form that they have in a URL.
fn hosts(text: &str) -> Option<Vec<String>> {
    // An IPv6 address in brackets also begins like a JSON array.
    let json = serde_json::from_str(text).ok();
    let hosts = match json {
        Some(hosts) => hosts,
        None => separated(text),
    };
    hosts.iter().map(|host| parse_host(host.trim())).collect()
}

fn parse_host(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let host = url::Host::parse(text).ok()?;
    (!text.contains('*')).then(|| host.to_string())
}

/// Parses the entries of `NO_PROXY`; any text is a list.
fn host_patterns(text: &str) -> Vec<String> {
    // An IPv6 address in brackets also begins like a JSON array.
    if let Ok(list) = serde_json::from_str(text) {
        return list;
    }
    let is_separator = |c: char| matches!(c, ',' | ';') || c.is_whitespace();
    let entries = text.split(is_separator).filter(|entry| !entry.is_empty());
    entries.map(str::to_owned).collect()
}

/// Parses the URL of a proxy of any scheme.
fn proxy_url(text: &str) -> Option<Url> {
    // Proxies are often given as `host:port`.
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("http://{text}"))
    };
    url.ok().filter(Url::has_host)
}

fn proxy(text: &str) -> Option<Url> {
    proxy_url(text).filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// Returns the printable form of the value of a setting that is not a secret: a URL without user name and password.
pub(crate) fn redacted(kind: Kind, text: &str) -> String {
    if !matches!(kind, Kind::Proxy | Kind::Url) || !text.contains('@') {
        return text.to_owned();
    }
    proxy_url(text).map_or_else(
        || "***".to_owned(),
        |url| {
            let port = url.port().map(|port| format!(":{port}"));
            let host = url.host_str().unwrap_or_default();
            format!("{}://{host}{}", url.scheme(), port.unwrap_or_default())
        },
    )
}
