//! Implements `honeyhive event create`.

use std::path::{Path, PathBuf};

use clap::Args;
use hh_sdk::HoneyHive;
use hh_sdk::api::types::{CreateEvent, EventKind, StartSession};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use uuid::Uuid;

use super::filters::TypeName;
use super::members::{Members, event_id, member, object};
use crate::args;
use crate::context::{Context, is_part_of_id};
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::lazy::with_examples;
use crate::sessions::whole_id;
use crate::ui::without_keys;

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive event create --type tool --name search --input query=hives --outputs results=3",
        "honeyhive event create --type model --name chat --session 3f2a91bc --metadata cost=0.01",
        "honeyhive event create --type tool --name search --session nightly-42 --session-name 'nightly run'",
        "honeyhive event create --file event.json --project docs",
    ]))]
pub(crate) struct Create {
    /// Type of the event
    #[arg(
        long = "type",
        alias = "event-type",
        value_name = "TYPE",
        required_unless_present = "file"
    )]
    kind: Option<TypeName>,
    /// Name of the event
    #[arg(long, value_parser = args::name)]
    name: Option<String>,
    /// Session ID, its beginning, or any other text to derive an ID from (defaults to a new session)
    #[arg(long, alias = "session-id", value_name = "ID", value_parser = args::name)]
    session: Option<String>,
    /// Name of the session, unless it already has a name
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    session_name: Option<String>,
    /// ID of the parent event (defaults to the session)
    #[arg(long, value_name = "ID", value_parser = event_id)]
    parent: Option<Uuid>,
    /// Label of the deployment, e.g. `production`
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    source: Option<String>,
    /// Add a member to the inputs; a value that is valid JSON is sent as JSON (can be repeated)
    #[arg(
        long = "input",
        alias = "inputs",
        value_name = "NAME=VALUE",
        value_parser = member
    )]
    inputs: Vec<(String, Value)>,
    /// Add a member to the outputs (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = member)]
    outputs: Vec<(String, Value)>,
    /// Error message, if the step failed
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    #[command(flatten)]
    members: Members,
    /// File with the event as a JSON object, `-` for standard input (other options take precedence)
    #[arg(long, value_name = "FILE", value_parser = args::path)]
    file: Option<PathBuf>,
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
}

/// The result of the command.
#[derive(Serialize)]
struct Created {
    event_id: Uuid,
    /// `None` if only the server knows the id of the session, and the key cannot read it.
    session_id: Option<Uuid>,
}

pub(super) fn run(context: &Context, arguments: Create) -> Result<(), CliError> {
    let event = match &arguments.file {
        Some(file) => read(file)?,
        None => CreateEvent::default(),
    };
    let client = context.client(arguments.project.as_deref())?;
    let mut event = with_options(context, client, event, arguments)?;
    let is_session = event.event_type.as_deref() == Some(EventKind::Session.as_str());
    if is_session && event.session_id.is_none() {
        // A session is the event whose id is that of its session.
        event.session_id.clone_from(&event.event_id);
    }
    let is_new_session = event.session_id.is_none();
    let session = event
        .session_id
        .get_or_insert_with(|| Uuid::new_v4().to_string())
        .clone();
    let name = if is_session {
        let name = event.event_name.clone().or(event.session_name.clone());
        name.filter(|_| !is_new_session)
    } else {
        event.session_name.take()
    };
    let start = name.map(|name| StartSession {
        session_id: Some(session.clone()),
        session_name: Some(name),
        source: event.source.clone(),
        project: event.project.clone().or(event.project_id.clone()),
        ..StartSession::default()
    });
    let event_id = context.block_on(client.events().create(event))?;
    let named = match start {
        Some(start) => Some(start_session(context, client, start)?),
        None => None,
    };
    let known = Uuid::try_parse(&session).ok().or(named);
    // The server derives the id from any other text.
    let session_id = known.or_else(|| {
        let stored = context.block_on(client.events().get(event_id));
        stored.ok().map(|event| event.session_id)
    });
    let created = Created {
        event_id,
        session_id,
    };
    context
        .printer()
        .object(&created, |_| vec![event_id.to_string()])
}

/// Gives a session its name unless it has one, and returns its id.
fn start_session(
    context: &Context,
    client: &HoneyHive,
    start: StartSession,
) -> Result<Uuid, CliError> {
    let wanted = start.session_name.clone().unwrap_or_default();
    let session = context.block_on(client.sessions().start(start))?;
    if session.event_name != wanted {
        context.note(&format!(
            "note: session {} already has the name {}",
            session.session_id, session.event_name
        ));
    }
    Ok(session.session_id)
}

/// Reads an event from a file. API keys are redacted.
fn read(file: &Path) -> Result<CreateEvent, CliError> {
    let failed = |error: &dyn std::fmt::Display| {
        let message = format!("cannot read the event from {}: {error}", file.display());
        CliError::new(Exit::Config, message)
    };
    let text = input::read(file).map_err(|error| failed(&error))?;
    let text = String::from_utf8(text).map_err(|_| failed(&"expected UTF-8"))?;
    // A list would be read as the members of an event in their order.
    if text.trim_start().starts_with('[') || has_several_values(&text) {
        return Err(failed(&"expected one JSON object").with_hint(
            "write {\"events\": [...]} with all events to a file and run `honeyhive api POST /v1/events/batch --input FILE`",
        ));
    }
    if !text.trim_start().starts_with('{') {
        return Err(failed(&"expected a JSON object"));
    }
    serde_json::from_str(&without_keys(&text)).map_err(|error| failed(&error))
}

/// Returns whether a text is a sequence of JSON values, such as JSON lines.
fn has_several_values(text: &str) -> bool {
    let values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.take(2).flatten().count() == 2
}

/// Returns an event with the members that the options set.
fn with_options(
    context: &Context,
    client: &HoneyHive,
    mut event: CreateEvent,
    options: Create,
) -> Result<CreateEvent, CliError> {
    let inputs = object("--input", options.inputs)?;
    let outputs = object("--outputs", options.outputs)?;
    let [metadata, metrics, feedback, user_properties] = options.members.into_objects()?;
    if options.project.is_some() {
        // The project of the client applies.
        (event.project, event.project_id) = (None, None);
    }
    let kind = options.kind.map(|kind| kind.as_str().to_owned());
    event.event_type = kind.or(event.event_type);
    event.event_name = options.name.or(event.event_name);
    event.session_name = options.session_name.or(event.session_name);
    event.session_id = match options.session {
        // The server would derive another id from the beginning of an id.
        Some(id) if is_part_of_id(&id) => {
            Some(whole_id(context, client, &id.to_ascii_lowercase())?)
        }
        other => other.or(event.session_id),
    };
    let parent = options.parent.map(|id| id.to_string());
    event.parent_id = parent.or(event.parent_id);
    event.source = options.source.or(event.source);
    let error = options.error.map(|text| without_keys(&text));
    event.error = error.or(event.error);
    event.inputs.get_or_insert_default().extend(inputs);
    event.outputs.extend(outputs);
    event.metadata.extend(metadata);
    event.metrics.extend(metrics);
    event.feedback.extend(feedback);
    event.user_properties.extend(user_properties);
    Ok(event)
}
