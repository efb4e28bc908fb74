//! The steps of the key: where it comes from, whether the server knows it, and what it may do.

use hh_sdk::api::types::{ProjectNames, Whoami};
use hh_sdk::auth::KeyKind;
use hh_sdk::config::names;
use hh_sdk::{Connected, Credential, Error, ErrorKind, HoneyHive, Identity};
use tokio::task::{JoinHandle, spawn_blocking};

use super::network_failure;
use super::report::{Finding, Report};
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::{output, ui};

/// The longest time of the request that shows whether the key works, in seconds.
const REQUEST: &str = "4";

pub(super) type Looking = JoinHandle<Result<Credential, Error>>;

/// Begins to look for the key, which may run a program.
pub(super) fn look(context: &Context) -> Looking {
    let options = context.options_without_warning();
    spawn_blocking(move || hh_sdk::load_credential(&options))
}

/// Tells what was found.
pub(super) async fn found(
    connected: &Connected,
    looking: Looking,
) -> (Finding, Option<Credential>) {
    let Ok(looked) = looking.await else {
        let finding = Finding::failed(Exit::Other, "the search for the key broke off", "");
        return (finding, None);
    };
    match looked {
        // Settings were read twice, and somebody may have changed them in between.
        Ok(credential) if credential.origin != *connected.settings.base_url.value.origin() => {
            let finding = Finding::failed(
                Exit::Config,
                format!(
                    "the key from {} is for {}, and no longer for the server of the steps above",
                    credential.provenance, credential.origin
                ),
                "the settings have changed meanwhile: run `honeyhive doctor` again",
            );
            (finding, None)
        }
        Ok(credential) => {
            let Credential {
                key, provenance, ..
            } = &credential;
            let seen = format!(
                "{}, a {} key, from {provenance}",
                key.shown(),
                key.kind().as_str()
            );
            let finding = match (connected.check_key(), key.warning()) {
                (Err(error), _) => return (network_failure(error), None),
                (Ok(_), Some(warning)) => Finding::note(format!("{seen}; it {warning}"), ""),
                (Ok(_), None) => Finding::ok(seen),
            };
            (finding, Some(credential))
        }
        Err(error) if error.kind() == ErrorKind::MissingKey && has_ingestion_key(connected) => {
            let finding = Finding::note(
                "only an ingestion key is set: spans can be sent, and nothing else",
                "for all else set HH_API_KEY to a project key",
            );
            (finding, None)
        }
        Err(error) => (network_failure(error), None),
    }
}

fn has_ingestion_key(connected: &Connected) -> bool {
    let key = connected.stack.secret(names::INGESTION_API_KEY);
    key.is_ok_and(|key| key.is_some())
}

/// What can be told in test mode, where any key will do and none is needed.
pub(super) fn offline(connected: &Connected) -> Finding {
    match connected.check_key() {
        Err(error) => network_failure(error),
        Ok(_) => match &connected.settings.api_key {
            Some(key) => Finding::ok(format!("one is set, from {}", key.provenance)),
            None => Finding::ok("none is set, and test mode needs none"),
        },
    }
}

/// Asks the server who the key acts for and what it may do.
pub(super) async fn authenticate(
    context: &Context,
    connected: &Connected,
    credential: Credential,
    report: &mut Report,
) -> Result<(), CliError> {
    let kind = credential.key.kind();
    let place = credential.provenance.to_string();
    let quiet = context.global().quiet;
    let debug = move |line: &str| {
        if line.starts_with("debug: ") && !quiet {
            ui::say(line);
        }
    };
    let base_url = &connected.settings.base_url;
    let base_url_place = base_url.provenance.to_string();
    // One attempt, with the key that was found, where it was found for, whatever the settings say by now: no program is
    // run again, and warnings were told.
    let options = context
        .options_without_key()
        .with_place(names::API_KEY, credential.key.secret().clone(), place)
        .with_place(
            names::BASE_URL,
            base_url.value.as_str().to_owned(),
            base_url_place,
        )
        .with(names::MAX_RETRIES, "0")
        .with(names::TIMEOUT, REQUEST)
        .with_reporter(debug);
    let ask = async {
        let client = HoneyHive::builder().with_options(options).build()?;
        client.whoami().await
    };
    let asked = async {
        match ask.await {
            Ok(identity) => (known(&identity), Ok(identity)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                (Finding::ok("the server knows the key"), Err(Some(error)))
            }
            Err(error) => (network_failure(error), Err(None)),
        }
    };
    match report.wait("authentication", asked).await? {
        Some(Ok(identity)) => report.step("permissions", || (permissions(&identity, kind), ())),
        Some(Err(Some(error))) => report.step("permissions", || (network_failure(error), ())),
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
        Identity::Known(me) => Finding::ok(shown(me)),
        Identity::Unknown | _ if kind == KeyKind::ReadOnly => Finding::ok("Read Only, by its kind"),
        Identity::Unknown | _ => Finding::skipped("unknown (this server does not tell)"),
    }
}

fn shown(me: &Whoami) -> String {
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
