use serde_json::{Value, json};

use super::super::fields::NoLimits;
use super::super::map::map_span;
use super::*;
use crate::otlp::{Origin, Span};

/// Maps a span below another one with these attributes.
fn mapped(attributes: Value) -> SpanFields {
    let Value::Object(attributes) = attributes else {
        panic!("not an object");
    };
    let span = Span {
        parent_span_id: vec![1; 8],
        attributes: attributes.into_iter().collect(),
        ..Span::default()
    };
    let Ok(fields) = map_span(span, &Origin::default(), &mut NoLimits);
    fields
}

#[test]
fn types_follow_from_each_convention() {
    for (attributes, expected) in [
        (json!({"gen_ai.operation.name": "chat"}), EventKind::Model),
        (
            json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"}),
            EventKind::Chain,
        ),
        (
            json!({"gen_ai.operation.name": "execute_tool"}),
            EventKind::Tool,
        ),
        (json!({"gen_ai.request.model": "m"}), EventKind::Model),
        (json!({"openinference.span.kind": "LLM"}), EventKind::Model),
        (
            json!({"openinference.span.kind": "AGENT"}),
            EventKind::Chain,
        ),
        (
            json!({"openinference.span.kind": "RETRIEVER"}),
            EventKind::Tool,
        ),
        (
            json!({"llm.request.type": "chat", "gen_ai.system": "OpenAI"}),
            EventKind::Model,
        ),
        (json!({"traceloop.span.kind": "workflow"}), EventKind::Chain),
        (json!({"traceloop.span.kind": "tool"}), EventKind::Tool),
        (
            json!({"operation.name": "ai.generateText my-function"}),
            EventKind::Chain,
        ),
        (
            json!({"ai.operationId": "ai.generateText.doGenerate"}),
            EventKind::Model,
        ),
        (
            json!({"ai.operationId": "ai.embed.doEmbed"}),
            EventKind::Model,
        ),
        (json!({"ai.operationId": "ai.toolCall"}), EventKind::Tool),
        (json!({"operation.name": "checkout"}), EventKind::Tool),
        (
            json!({"honeyhive_event_type": "chain", "llm.request.type": "chat"}),
            EventKind::Chain,
        ),
    ] {
        assert_eq!(mapped(attributes.clone()).kind, expected, "{attributes}");
    }
}

#[test]
fn a_call_is_the_same_event_from_every_convention() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7});
    let config = json!({"model": "gpt", "provider": "openai", "temperature": 0.5});
    for (name, attributes) in [
        (
            "OpenLLMetry",
            json!({
                "llm.request.type": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt",
                "gen_ai.request.temperature": 0.5,
                "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "why?",
                "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "because",
                "gen_ai.usage.prompt_tokens": 3, "gen_ai.usage.completion_tokens": 4, "llm.usage.total_tokens": 7,
            }),
        ),
        (
            "OpenInference",
            json!({
                "openinference.span.kind": "LLM", "llm.provider": "openai", "llm.model_name": "gpt",
                "llm.invocation_parameters": "{\"temperature\": 0.5, \"model\": \"gpt\"}",
                "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "why?",
                "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "because",
                "llm.token_count.prompt": 3, "llm.token_count.completion": 4, "llm.token_count.total": 7,
            }),
        ),
        (
            "GenAI conventions",
            json!({
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt",
                "gen_ai.request.temperature": 0.5,
                "gen_ai.input.messages": "[{\"role\": \"user\", \"content\": \"why?\"}]",
                "gen_ai.output.messages": [{"role": "assistant", "content": "because"}],
                "gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4,
            }),
        ),
        (
            "Vercel AI SDK",
            json!({
                "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "openai", "ai.model.id": "gpt",
                "ai.settings.temperature": 0.5,
                "ai.prompt.messages": "[{\"role\": \"user\", \"content\": \"why?\"}]",
                "ai.response.text": "because",
                "ai.usage.promptTokens": 3, "ai.usage.completionTokens": 4,
            }),
        ),
    ] {
        let fields = mapped(attributes);
        assert_eq!(fields.kind, EventKind::Model, "{name}");
        assert_eq!(Value::Object(fields.config), config, "{name}");
        let history = json!([{"role": "user", "content": "why?"}]);
        assert_eq!(fields.inputs["chat_history"], history, "{name}");
        assert_eq!(fields.outputs["content"], "because", "{name}");
        for (member, count) in usage.as_object().unwrap() {
            assert_eq!(&fields.metadata[member], count, "{name} {member}");
        }
    }
}

#[test]
fn nothing_is_overwritten_or_lost() {
    let fields = mapped(json!({
        "honeyhive_config.model": "mine", "gen_ai.request.model": "gpt", "gen_ai.response.model": "gpt-4",
        "honeyhive_inputs.value": "mine", "input.value": "theirs",
        "honeyhive_outputs.content": "mine", "ai.response.text": "theirs",
        "gen_ai.prompt.0.content": "why?",
        "llm.invocation_parameters": "{\"model\": \"other\", \"seed\": 5}",
    }));
    assert_eq!(
        Value::Object(fields.config),
        json!({"model": "mine", "seed": 5})
    );
    assert_eq!(Value::Object(fields.inputs), json!({"value": "mine"}));
    assert_eq!(Value::Object(fields.outputs), json!({"content": "mine"}));
    assert_eq!(
        Value::Object(fields.metadata),
        json!({
            "gen_ai.request.model": "gpt", "gen_ai.response.model": "gpt-4", "input.value": "theirs",
            "ai.response.text": "theirs", "gen_ai.prompt.0.content": "why?",
            "llm.invocation_parameters.model": "other",
        })
    );
}

#[test]
fn calls_of_tools_are_nested_in_their_message() {
    let fields = mapped(json!({
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"q\": 1}",
    }));
    assert_eq!(
        Value::Object(fields.outputs),
        json!({"role": "assistant", "tool_calls": [
            {"tool_call": {"function": {"name": "search", "arguments": "{\"q\": 1}"}}}]})
    );
}

#[test]
fn a_conversation_is_the_session_unless_honeyhive_names_one() {
    for (attributes, expected) in [
        (
            json!({"session.id": "s", "gen_ai.conversation.id": "c"}),
            Some("s"),
        ),
        (json!({"gen_ai.conversation.id": "c"}), Some("c")),
        (
            json!({"gen_ai.conversation.id": "c", "honeyhive.session_id": "h"}),
            Some("h"),
        ),
        (json!({"gen_ai.conversation.id": ""}), None),
    ] {
        assert_eq!(
            mapped(attributes.clone()).session.as_deref(),
            expected,
            "{attributes}"
        );
    }
    let fields = mapped(json!({"gen_ai.conversation.id": "c", "user.id": "u1"}));
    assert_eq!(fields.metadata["gen_ai.conversation.id"], "c");
    assert_eq!(fields.user_properties["user_id"], "u1");
}
