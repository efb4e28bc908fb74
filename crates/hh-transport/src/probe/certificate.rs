//! The fields of a certificate.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use hh_text::is_unsafe;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use crate::clean::clean;

/// The certificate that a server sent, whether it is trusted or not. Its texts are untrusted and therefore
/// [cleaned](crate::clean()).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// The name of the authority that signed the certificate, such as `CN=R11,O=Let's Encrypt,C=US`. Parts that the
    /// certificate does not contain are omitted.
    pub issuer: String,
    /// The host names and addresses that the certificate is valid for.
    pub names: Vec<String>,
    /// The start of the validity period.
    pub not_before: SystemTime,
    /// The end of the validity period.
    pub not_after: SystemTime,
    /// Whether the subject and the issuer are the same.
    pub is_self_signed: bool,
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let parsed = Parsed::from_der(der).ok()?;
        let body = parsed.tbs_certificate();
        let names = body.get_extension::<SubjectAltName>().ok().flatten();
        let names = names.map_or_else(Vec::new, |(_, names)| names.0);
        Some(Self {
            issuer: display_name(body.issuer()),
            names: names.iter().filter_map(name).collect(),
            not_before: SystemTime::UNIX_EPOCH + body.validity().not_before.to_unix_duration(),
            not_after: SystemTime::UNIX_EPOCH + body.validity().not_after.to_unix_duration(),
            is_self_signed: body.issuer() == body.subject(),
        })
    }
}

/// Returns the display name. The `Display` of `Name` adds a table of 1,500 attributes, which the loader would have to
/// relocate at every start of the program.
fn display_name(name: &Name) -> String {
    let common = name.common_name().ok().flatten();
    let organization = name.organization().ok().flatten();
    let country = name.country().ok().flatten();
    let parts = [
        common.map(|name| format!("CN={}", escaped(&name.value()))),
        organization.map(|name| format!("O={}", escaped(&name.value()))),
        country.map(|name| format!("C={name}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    clean(&parts.join(","), &[])
}

/// Escapes characters that would look like another part of the name or control a terminal.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if is_unsafe(c) || matches!(c, ',' | '+' | '=' | '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(if is_unsafe(c) { '?' } else { c });
    }
    escaped
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all other kinds of names do not name a server"
)]
fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(clean(name.as_str(), &[])),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
            let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).to_string());
            v4.or(v6).ok()
        }
        _ => None,
    }
}
