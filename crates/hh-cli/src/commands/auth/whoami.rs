//! Implements `honeyhive auth whoami`.

use std::time::Instant;

use hh_sdk::api::types::{ProjectNames, Whoami};
use hh_sdk::{Credential, Identity};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;

/// The text for a value that the server does not report.
const UNTOLD: &str = "unknown (not reported by this server)";
const UNCHECKED: &str = "(test mode, not checked)";

#[derive(Serialize)]
struct WhoamiReport<'a> {
    base_url: &'a str,
    api_key: Option<String>,
    api_key_source: Option<String>,
    test_mode: bool,
    verify_ssl: bool,
    insecure_http: bool,
    #[serde(flatten)]
    identity: Option<&'a Whoami>,
}

pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let client = context.client(None)?;
    let settings = client.settings();
    let start = Instant::now();
    let identity = if settings.test_mode.value {
        None
    } else {
        Some(context.block_on(client.whoami())?)
    };
    let credential = client.credential();
    let known = match &identity {
        Some(Identity::Known(me)) => Some(me.as_ref()),
        Some(Identity::Unknown | _) | None => None,
    };
    let base_url = settings.base_url.value.as_str();
    let report = WhoamiReport {
        base_url,
        api_key: credential.as_ref().map(|found| found.key.redacted()),
        api_key_source: credential
            .as_ref()
            .map(|found| found.provenance.to_string()),
        test_mode: settings.test_mode.value,
        verify_ssl: settings.verify_ssl.value,
        insecure_http: settings.insecure_http().is_some(),
        identity: known,
    };
    let absent = if settings.test_mode.value {
        UNCHECKED
    } else {
        UNTOLD
    };
    let fact = |fact: fn(&Whoami) -> &str| known.map_or(absent, fact).to_owned();
    let mut lines = vec![
        format!("Authenticated as: {}", fact(|me| &me.principal.name)),
        format!("Organization: {}", fact(|me| &me.organization)),
        format!("Permissions: {}", fact(|me| &me.permissions)),
    ];
    if !settings.verify_ssl.value {
        let place = &settings.verify_ssl.provenance;
        lines.push(format!(
            "Certificates: not checked (verify_ssl from {place})"
        ));
    }
    if let Some(place) = settings.insecure_http() {
        lines.push(format!(
            "Connection: not encrypted (insecure_http_hosts from {place})"
        ));
    }
    if settings.verbose.value {
        lines.push(format!(
            "Server: {base_url}, from {}",
            settings.base_url.provenance
        ));
        lines.extend(credential.iter().flat_map(|found| key_lines(found)));
        lines.extend(known.into_iter().flat_map(detail_lines));
        if identity.is_some() {
            lines.push(format!("Response time: {} ms", start.elapsed().as_millis()));
        }
    }
    context.printer().object(&report, |_| lines)
}

fn key_lines(credential: &Credential) -> [String; 3] {
    [
        format!("Key kind: {}", credential.key.kind().as_str()),
        format!("Key: {}", credential.key.redacted()),
        format!("Key source: {}", credential.provenance),
    ]
}

fn detail_lines(me: &Whoami) -> [String; 3] {
    let projects = match &me.key.projects {
        ProjectNames::All => "all".to_owned(),
        ProjectNames::Only(names) => names.join(", "),
    };
    let expires = me.key.expires_at;
    [
        format!("Key id: {}", me.key.id),
        format!("Projects: {projects}"),
        format!(
            "Expires: {}",
            expires.map_or_else(|| "never".to_owned(), |end| end.to_string())
        ),
    ]
}
