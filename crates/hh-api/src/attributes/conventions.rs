//! Maps the attributes of other instrumentations to the members that HoneyHive uses.
//!
//! They are the semantic conventions of OpenTelemetry for generative AI (`gen_ai.`), `OpenLLMetry` (`traceloop.`,
//! `gen_ai.prompt.0.`), `OpenInference` (`llm.`, `input.value`) and the Vercel AI SDK (`ai.`). An attribute moves only to
//! a member that has no value yet; otherwise it stays in the metadata under its own name.

use serde_json::Value;
use serde_json::map::Entry;

use super::fields::{MapLimits, SpanFields, parsed, text};
use super::nest::{insert, restore_lists};
use crate::types::{EventKind, Object};

/// Returns whether an attribute may belong to one of the conventions.
pub(super) fn is_known(key: &str) -> bool {
    let prefix = key.split_once('.').map_or(key, |(prefix, _)| prefix);
    matches!(
        prefix,
        "gen_ai"
            | "llm"
            | "ai"
            | "openinference"
            | "traceloop"
            | "input"
            | "output"
            | "operation"
            | "session"
            | "user"
            | "enduser"
            | "embedding"
    )
}

/// Determines the type of a span without an event type; returns `None` if no convention determines it.
pub(super) fn kind(metadata: &Object) -> Option<EventKind> {
    let is = |name: &str| metadata.get(name).and_then(Value::as_str).unwrap_or("");
    let operation = match is("gen_ai.operation.name") {
        "chat" | "text_completion" | "generate_content" | "embeddings" => Some(EventKind::Model),
        "invoke_agent" | "create_agent" | "invoke_workflow" => Some(EventKind::Chain),
        "execute_tool" | "retrieval" => Some(EventKind::Tool),
        _ => None,
    };
    let span_kind = || match is("openinference.span.kind") {
        "LLM" => Some(EventKind::Model),
        "CHAIN" | "AGENT" => Some(EventKind::Chain),
        "" => None,
        _ => Some(EventKind::Tool),
    };
    let request = || match is("llm.request.type") {
        "chat" | "completion" | "embedding" | "rerank" => Some(EventKind::Model),
        _ => None,
    };
    let entity = || match is("traceloop.span.kind") {
        "workflow" | "agent" => Some(EventKind::Chain),
        "task" | "tool" => Some(EventKind::Tool),
        _ => None,
    };
    let has_model = || {
        let names = ["gen_ai.request.model", "llm.model_name"];
        let is_named = names.iter().any(|name| metadata.contains_key(*name));
        is_named.then_some(EventKind::Model)
    };
    operation
        .or_else(span_kind)
        .or_else(request)
        .or_else(entity)
        .or_else(|| vercel(metadata))
        .or_else(has_model)
}

/// Determines the type of a span of the Vercel AI SDK. Calls of a provider are below a span of the whole operation.
fn vercel(metadata: &Object) -> Option<EventKind> {
    let names = ["ai.operationId", "operation.name"];
    let operation = names
        .iter()
        .find_map(|name| metadata.get(*name)?.as_str())?;
    // The name of the function follows the operation.
    let operation = operation.split(' ').next()?.strip_prefix("ai.")?;
    match operation.split_once('.') {
        _ if operation == "toolCall" => Some(EventKind::Tool),
        Some((_, "doGenerate" | "doStream" | "doEmbed")) => Some(EventKind::Model),
        _ => Some(EventKind::Chain),
    }
}

/// A member of an event that receives attributes.
#[derive(Clone, Copy)]
enum Target {
    Inputs,
    Outputs,
    Config,
    Metadata,
    UserProperties,
}

/// Attributes with their member and name. If several attributes have the same target, the first one that exists is used.
const MOVES: &[(&str, Target, &str)] = &[
    ("gen_ai.request.model", Target::Config, "model"),
    ("llm.model_name", Target::Config, "model"),
    ("embedding.model_name", Target::Config, "model"),
    ("ai.model.id", Target::Config, "model"),
    ("gen_ai.response.model", Target::Config, "model"),
    ("gen_ai.provider.name", Target::Config, "provider"),
    ("gen_ai.system", Target::Config, "provider"),
    ("llm.provider", Target::Config, "provider"),
    ("llm.system", Target::Config, "provider"),
    ("ai.model.provider", Target::Config, "provider"),
    ("gen_ai.tool.definitions", Target::Config, "tools"),
    (
        "gen_ai.usage.input_tokens",
        Target::Metadata,
        "prompt_tokens",
    ),
    (
        "gen_ai.usage.prompt_tokens",
        Target::Metadata,
        "prompt_tokens",
    ),
    ("llm.token_count.prompt", Target::Metadata, "prompt_tokens"),
    ("ai.usage.inputTokens", Target::Metadata, "prompt_tokens"),
    ("ai.usage.promptTokens", Target::Metadata, "prompt_tokens"),
    (
        "gen_ai.usage.output_tokens",
        Target::Metadata,
        "completion_tokens",
    ),
    (
        "gen_ai.usage.completion_tokens",
        Target::Metadata,
        "completion_tokens",
    ),
    (
        "llm.token_count.completion",
        Target::Metadata,
        "completion_tokens",
    ),
    (
        "ai.usage.outputTokens",
        Target::Metadata,
        "completion_tokens",
    ),
    (
        "ai.usage.completionTokens",
        Target::Metadata,
        "completion_tokens",
    ),
    ("llm.usage.total_tokens", Target::Metadata, "total_tokens"),
    (
        "gen_ai.usage.total_tokens",
        Target::Metadata,
        "total_tokens",
    ),
    ("llm.token_count.total", Target::Metadata, "total_tokens"),
    ("ai.usage.totalTokens", Target::Metadata, "total_tokens"),
    ("gen_ai.usage.cost", Target::Metadata, "cost"),
    ("llm.cost.total", Target::Metadata, "cost"),
    ("gen_ai.input.messages", Target::Inputs, "chat_history"),
    ("ai.prompt.messages", Target::Inputs, "chat_history"),
    (
        "gen_ai.system_instructions",
        Target::Inputs,
        "system_instructions",
    ),
    ("gen_ai.tool.call.arguments", Target::Inputs, "arguments"),
    ("ai.toolCall.args", Target::Inputs, "arguments"),
    ("input.value", Target::Inputs, "value"),
    ("traceloop.entity.input", Target::Inputs, "value"),
    ("ai.prompt", Target::Inputs, "value"),
    ("ai.value", Target::Inputs, "value"),
    ("ai.values", Target::Inputs, "values"),
    ("gen_ai.tool.call.result", Target::Outputs, "result"),
    ("ai.toolCall.result", Target::Outputs, "result"),
    ("ai.response.text", Target::Outputs, "content"),
    ("ai.response.object", Target::Outputs, "object"),
    ("ai.response.toolCalls", Target::Outputs, "tool_calls"),
    ("output.value", Target::Outputs, "value"),
    ("traceloop.entity.output", Target::Outputs, "value"),
    ("user.id", Target::UserProperties, "user_id"),
    ("enduser.id", Target::UserProperties, "user_id"),
];

/// Prefixes of parameters of a model, which become members of `config`.
const PARAMETERS: [&str; 2] = ["gen_ai.request.", "ai.settings."];

/// The messages of a response.
const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";

/// All parameters of a model as JSON in a string.
const INVOCATION: &str = "llm.invocation_parameters";

/// Prefixes of messages that are flattened to names with numbers, what follows each number, and whether they are outputs.
const MESSAGES: [(&str, &str, bool); 4] = [
    ("gen_ai.prompt.", "", false),
    ("llm.input_messages.", "message.", false),
    ("gen_ai.completion.", "", true),
    ("llm.output_messages.", "message.", true),
];

/// Attributes with the session, which stay in the metadata.
const SESSIONS: [&str; 2] = ["session.id", "gen_ai.conversation.id"];

/// Moves the attributes in the metadata to the members that HoneyHive uses.
pub(super) fn apply<L: MapLimits>(fields: &mut SpanFields, limits: &mut L) -> Result<(), L::Error> {
    if fields.session.is_none() {
        let found = SESSIONS.iter().find_map(|name| fields.metadata.get(*name));
        fields.session = found.and_then(|id| text(id.clone()));
        fields.session_is_inferred = fields.session.is_some();
    }
    let has_inputs = !fields.inputs.is_empty();
    let has_outputs = !fields.outputs.is_empty();
    for (prefix, infix, is_output) in MESSAGES {
        if !(if is_output { has_outputs } else { has_inputs }) {
            let messages = take_messages(&mut fields.metadata, prefix, infix, limits)?;
            let Some(messages) = messages else {
                continue;
            };
            let left = if is_output {
                put_outputs(&mut fields.outputs, messages)
            } else {
                put(&mut fields.inputs, "chat_history", messages)
            };
            // Messages in two notations.
            if let Some(left) = left {
                let name = prefix.trim_end_matches('.').to_owned();
                fields.metadata.insert(name, left);
            }
        }
    }
    for (key, target, name) in MOVES {
        let Some(value) = fields.metadata.remove(*key) else {
            continue;
        };
        let value = parsed(value, limits)?;
        let object = match target {
            Target::Inputs => &mut fields.inputs,
            Target::Outputs => &mut fields.outputs,
            Target::Config => &mut fields.config,
            Target::Metadata => &mut fields.metadata,
            Target::UserProperties => &mut fields.user_properties,
        };
        if let Some(value) = put(object, name, value) {
            fields.metadata.insert((*key).to_owned(), value);
        }
    }
    if let Some(messages) = fields.metadata.remove(OUTPUT_MESSAGES) {
        let messages = parsed(messages, limits)?;
        if let Some(left) = put_outputs(&mut fields.outputs, messages) {
            fields.metadata.insert(OUTPUT_MESSAGES.to_owned(), left);
        }
    }
    put_parameters(fields, limits)?;
    put_total(&mut fields.metadata);
    Ok(())
}

/// Adds a value; returns it if the name has another value.
fn put(object: &mut Object, name: &str, value: Value) -> Option<Value> {
    match object.entry(name) {
        Entry::Vacant(vacant) => {
            vacant.insert(value);
            None
        }
        Entry::Occupied(found) => (*found.get() != value).then_some(value),
    }
}

/// Removes flattened messages from the metadata; returns them as a list.
fn take_messages<L: MapLimits>(
    metadata: &mut Object,
    prefix: &str,
    infix: &str,
    limits: &mut L,
) -> Result<Option<Value>, L::Error> {
    let is_message = |key: &str| {
        let name = key.strip_prefix(prefix);
        name.is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit()))
    };
    let mut names: Vec<_> = metadata
        .keys()
        .filter(|key| is_message(key))
        .cloned()
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    names.sort_by_key(|name| name.matches('.').count());
    let mut messages = Object::new();
    for key in names {
        let (Some(value), Some(name)) = (metadata.remove(&key), key.strip_prefix(prefix)) else {
            continue;
        };
        let name = match name.split_once('.') {
            Some((number, rest)) => {
                let rest = rest.strip_prefix(infix).unwrap_or(rest);
                format!("{number}.{rest}")
            }
            None => name.to_owned(),
        };
        insert(&mut messages, &name, value, || limits.create_object())?;
    }
    let mut messages = Value::Object(messages);
    restore_lists(&mut messages);
    Ok(Some(messages))
}

/// Adds the messages of a response: the members of a single message, or the list. Returns them if there is no place.
fn put_outputs(outputs: &mut Object, mut messages: Value) -> Option<Value> {
    if let Value::Array(list) = &mut messages
        && list.len() == 1
        && let Some(message) = list.pop()
    {
        messages = message;
    }
    if let Value::Object(message) = &messages
        && message.keys().all(|name| !outputs.contains_key(name))
    {
        outputs.extend(message.clone());
        return None;
    }
    put(outputs, "messages", messages)
}

/// Moves the parameters of a model to `config`.
fn put_parameters<L: MapLimits>(fields: &mut SpanFields, limits: &mut L) -> Result<(), L::Error> {
    for prefix in PARAMETERS {
        let names: Vec<_> = fields
            .metadata
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect();
        for key in names {
            let (Some(value), Some(name)) =
                (fields.metadata.remove(&key), key.strip_prefix(prefix))
            else {
                continue;
            };
            if let Some(value) = put(&mut fields.config, name, value) {
                fields.metadata.insert(key, value);
            }
        }
    }
    if let Some(value) = fields.metadata.remove(INVOCATION) {
        let value = parsed(value, limits)?;
        let Value::Object(parameters) = value else {
            fields.metadata.insert(INVOCATION.to_owned(), value);
            return Ok(());
        };
        for (name, value) in parameters {
            if let Some(value) = put(&mut fields.config, &name, value) {
                fields
                    .metadata
                    .insert(format!("{INVOCATION}.{name}"), value);
            }
        }
    }
    Ok(())
}

/// Adds the total of the tokens if the span has only its parts.
fn put_total(metadata: &mut Object) {
    let tokens = |name| metadata.get(name).and_then(Value::as_u64);
    let total = match (tokens("prompt_tokens"), tokens("completion_tokens")) {
        (Some(prompt), Some(completion)) => prompt.checked_add(completion),
        _ => None,
    };
    if let Some(total) = total {
        metadata.entry("total_tokens").or_insert(total.into());
    }
}

#[cfg(test)]
mod tests;
