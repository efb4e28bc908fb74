//! Implements the steps that check the source of the key, its authentication and its permissions.

use hh_sdk::api::types::{ProjectNames, Whoami};
use hh_sdk::auth::KeyKind;
use hh_sdk::config::{SettingName, names};
use hh_sdk::tooling::{self, Resolved, Severity};
use hh_sdk::{Credential, Error, ErrorKind, Identity};
use tokio::task::{JoinHandle, spawn_blocking};

use super::network::Reached;
use super::report::{Finding, Report};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::{output, ui};

/// The timeout of the authentication request, in seconds.
const REQUEST: &str = "4";

/// The timeout of the authentication request if some addresses are unreachable, in seconds. The client tries the
/// addresses in turn, for a part of its connect timeout of 10 s each.
const REQUEST_TO_OTHERS: &str = "11";

/// The task that resolves the key.
pub(super) type Looking = JoinHandle<Result<Credential, Error>>;

/// Starts to resolve the key, which may run a program.
pub(super) fn look(context: &Context, resolved: &Resolved) -> Looking {
    let (options, resolved) = (context.options(), resolved.clone());
    spawn_blocking(move || resolved.credential(&options))
}

/// Returns the result of resolving the key.
pub(super) async fn found(resolved: &Resolved, looking: Looking) -> (Finding, Option<Credential>) {
    let Ok(looked) = looking.await else {
        let finding = Finding::failed(Exit::Other, "resolving the key failed unexpectedly", "");
        return (finding, None);
    };
    match looked {
        Ok(credential) => {
            let Credential {
                key, provenance, ..
            } = &credential;
            let seen = format!(
                "{}, a {} key, from {provenance}",
                key.redacted(),
                key.kind().as_str()
            );
            let finding = match (resolved.check_key(), key.warning()) {
                (Err(error), _) => return (Finding::network_failure(error), None),
                (Ok(_), Some(warning)) => Finding::note(format!("{seen}; it {warning}"), ""),
                (Ok(_), None) => Finding::ok(seen),
            };
            (finding, Some(credential))
        }
        Err(error) if error.kind() == ErrorKind::MissingKey && has_ingestion_key(resolved) => {
            let finding = Finding::note(
                "only an ingestion key is set, which can only send spans",
                "set HH_API_KEY to a project key for all other operations",
            );
            (finding, None)
        }
        Err(error) => (Finding::network_failure(error), None),
    }
}

fn has_ingestion_key(resolved: &Resolved) -> bool {
    let key = resolved.stack.secret(names::INGESTION_API_KEY);
    key.is_ok_and(|key| key.is_some())
}

/// Checks the key in test mode, which accepts any key and requires none.
pub(super) fn offline(resolved: &Resolved) -> Finding {
    match resolved.check_key() {
        Err(error) => Finding::network_failure(error),
        Ok(_) => match &resolved.settings.api_key {
            Some(key) => Finding::ok(format!("a key is set, from {}", key.provenance)),
            None => Finding::ok("no key is set; test mode does not require one"),
        },
    }
}

/// Requests the identity and the permissions of the key from the server.
pub(super) async fn authenticate(
    context: &Context,
    resolved: &Resolved,
    credential: Credential,
    reached: Option<Reached>,
    report: &mut Report,
) -> Result<(), CliError> {
    let timeout = match reached {
        Some(Reached::AtSomeAddresses) => REQUEST_TO_OTHERS,
        Some(Reached::AtAllAddresses) | None => REQUEST,
    };
    let kind = credential.key.kind();
    let place = credential.provenance.to_string();
    let quiet = context.global().quiet;
    let debug = move |severity: Severity, line: &str| {
        if severity == Severity::Debug && !quiet {
            ui::print_line(&format!("{}{line}", severity.prefix()));
        }
    };
    let base_url = &resolved.settings.base_url;
    let base_url_place = base_url.provenance.to_string();
    // One attempt with the resolved key and its base URL, even if the settings changed. No program runs again, and the
    // warnings were already printed.
    let fixed = |name: SettingName, value: &str| (name, value.into(), format!("parameter {name}"));
    let direct = vec![
        (names::API_KEY, credential.key.secret().clone(), place),
        (
            names::BASE_URL,
            base_url.value.as_str().into(),
            base_url_place,
        ),
        fixed(names::MAX_RETRIES, "0"),
        fixed(names::TIMEOUT, timeout),
    ];
    let options = tooling::with_reporter(context.options_with(&direct), debug);
    let layers = context.layers_with(direct);
    let ask = async {
        let client = tooling::create_client(&options, &layers.resolve()?)?;
        client.whoami().await
    };
    let asked = async {
        match ask.await {
            Ok(identity) => (known(&identity), Ok(identity)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => (
                Finding::ok("the server recognizes the key"),
                Err(Some(error)),
            ),
            Err(error) => (Finding::network_failure(error), Err(None)),
        }
    };
    match report.wait("authentication", asked).await? {
        Some(Ok(identity)) => report.step("permissions", || (permissions(&identity, kind), ())),
        Some(Err(Some(error))) => {
            report.step("permissions", || (Finding::network_failure(error), ()))
        }
        Some(Err(None)) | None => report.skip(&["permissions"], "authentication"),
    }
}

/// Returns the finding for a key that the server accepted.
fn known(identity: &Identity) -> Finding {
    match identity {
        Identity::Known(me) => Finding::ok("the server recognizes the key").with_identity(format!(
            "as {} of {}",
            output::cut(&me.principal.name, 80),
            output::cut(&me.organization, 80)
        )),
        Identity::Unknown | _ => {
            Finding::ok("the server recognizes the key (identity not reported by this server)")
        }
    }
}

/// Returns the finding about the permissions of the key.
fn permissions(identity: &Identity, kind: KeyKind) -> Finding {
    match identity {
        Identity::Known(me) => Finding::ok(describe_identity(me)),
        Identity::Unknown | _ if kind == KeyKind::ReadOnly => {
            Finding::ok("Read Only (from the prefix of the key)")
        }
        Identity::Unknown | _ => Finding::skipped("unknown (not reported by this server)"),
    }
}

/// Describes the permissions, the projects and the expiry of the key.
fn describe_identity(me: &Whoami) -> String {
    let projects = match &me.key.projects {
        ProjectNames::All => "all projects".to_owned(),
        ProjectNames::Only(names) => match names.as_slice() {
            [one] => format!("project {one}"),
            many => format!("{} projects", many.len()),
        },
    };
    let end = me.key.expires_at.map_or_else(
        || "does not expire".to_owned(),
        |end| format!("expires {end:.0}"),
    );
    format!("{} in {projects}; {end}", me.permissions)
}
