//! The steps of the key: where it comes from, whether the server knows it, and what it may do.

use hh_sdk::api::types::{ProjectNames, Whoami};
use hh_sdk::auth::KeyKind;
use hh_sdk::config::{SettingName, names};
use hh_sdk::tooling::{self, Resolved};
use hh_sdk::{Credential, Error, ErrorKind, Identity};
use tokio::task::{JoinHandle, spawn_blocking};

use super::report::{Finding, Report};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::{output, ui};

/// The longest time of the request that shows whether the key works, in seconds.
const REQUEST: &str = "4";

pub(super) type Looking = JoinHandle<Result<Credential, Error>>;

/// Begins to look for the key, which may run a program.
pub(super) fn look(context: &Context, resolved: &Resolved) -> Looking {
    let (options, resolved) = (context.options(), resolved.clone());
    spawn_blocking(move || resolved.credential(&options))
}

/// Tells what was found.
pub(super) async fn found(resolved: &Resolved, looking: Looking) -> (Finding, Option<Credential>) {
    let Ok(looked) = looking.await else {
        let finding = Finding::failed(Exit::Other, "the search for the key broke off", "");
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
                "only an ingestion key is set: spans can be sent, and nothing else",
                "for all else set HH_API_KEY to a project key",
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

/// What can be told in test mode, where any key will do and none is needed.
pub(super) fn offline(resolved: &Resolved) -> Finding {
    match resolved.check_key() {
        Err(error) => Finding::network_failure(error),
        Ok(_) => match &resolved.settings.api_key {
            Some(key) => Finding::ok(format!("one is set, from {}", key.provenance)),
            None => Finding::ok("none is set, and test mode needs none"),
        },
    }
}

/// Asks the server who the key acts for and what it may do.
pub(super) async fn authenticate(
    context: &Context,
    resolved: &Resolved,
    credential: Credential,
    report: &mut Report,
) -> Result<(), CliError> {
    let kind = credential.key.kind();
    let place = credential.provenance.to_string();
    let quiet = context.global().quiet;
    let debug = move |line: &str| {
        if line.starts_with("debug: ") && !quiet {
            ui::print_line(line);
        }
    };
    let base_url = &resolved.settings.base_url;
    let base_url_place = base_url.provenance.to_string();
    // One attempt, with the key that was found, where it was found for, whatever the settings say by now: no program is
    // run again, and warnings were told.
    let fixed = |name: SettingName, value: &str| (name, value.into(), format!("parameter {name}"));
    let direct = vec![
        (names::API_KEY, credential.key.secret().clone(), place),
        (
            names::BASE_URL,
            base_url.value.as_str().into(),
            base_url_place,
        ),
        fixed(names::MAX_RETRIES, "0"),
        fixed(names::TIMEOUT, REQUEST),
    ];
    let options = context.options_with(&direct).with_reporter(debug);
    let layers = context.layers_with(direct);
    let ask = async {
        let client = tooling::create_client(&options, &layers.resolve()?)?;
        client.whoami().await
    };
    let asked = async {
        match ask.await {
            Ok(identity) => (known(&identity), Ok(identity)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                (Finding::ok("the server knows the key"), Err(Some(error)))
            }
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

fn known(identity: &Identity) -> Finding {
    match identity {
        Identity::Known(me) => Finding::ok("the server knows the key").with_identity(format!(
            "as {} of {}",
            output::shorten(&me.principal.name, 80),
            output::shorten(&me.organization, 80)
        )),
        Identity::Unknown | _ => Finding::ok("the server takes the key (it does not tell as whom)"),
    }
}

fn permissions(identity: &Identity, kind: KeyKind) -> Finding {
    match identity {
        Identity::Known(me) => Finding::ok(describe_identity(me)),
        Identity::Unknown | _ if kind == KeyKind::ReadOnly => Finding::ok("Read Only, by its kind"),
        Identity::Unknown | _ => Finding::skipped("unknown (this server does not tell)"),
    }
}

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
