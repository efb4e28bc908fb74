//! Renders JSON values as indented text for users.

use serde_json::{Map, Value};

/// The indentation of each level, in spaces.
const STEP: usize = 2;

/// Returns the members of an object, each on one or more lines that begin with `indent` spaces.
pub(crate) fn outline(members: &Map<String, Value>, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in members {
        push_member(&mut lines, indent, name, value);
    }
    lines
}

fn push_member(lines: &mut Vec<String>, indent: usize, name: &str, value: &Value) {
    let begin = format!("{}{name}:", " ".repeat(indent));
    match text(value) {
        Some(text) if !text.contains(['\n', '\t']) => lines.push(format!("{begin} {text}")),
        _ => {
            lines.push(begin);
            push_value(lines, indent + STEP, value);
        }
    }
}

fn push_value(lines: &mut Vec<String>, indent: usize, value: &Value) {
    let space = " ".repeat(indent);
    if let Some(text) = text(value) {
        let line = |line: &str| format!("{space}{}", line.replace('\t', "    "));
        lines.extend(text.lines().map(line));
        return;
    }
    match value {
        Value::Object(members) => lines.extend(outline(members, indent)),
        Value::Array(elements) => {
            for element in elements {
                let first = lines.len();
                push_value(lines, indent + STEP, element);
                // The first line of an element begins with a hyphen.
                match lines.get_mut(first) {
                    Some(line) => line.replace_range(indent..=indent, "-"),
                    None => lines.push(format!("{space}-")),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns a value that needs no outline as text: a string without quotes, and anything else as JSON.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(members) if !members.is_empty() => None,
        Value::Array(elements) if !elements.is_empty() => None,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(value.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_and_lists_are_indented_and_texts_keep_their_lines() {
        let value = json!({
            "question": "one line",
            "prompt": "first\n  second\n",
            "messages": [{"role": "user", "content": "a\nb"}, {"role": "tool", "content": {"x": null}}, "", [1, 2.5]],
            "none": {},
            "empty": [],
            "flag": true,
        });
        let lines = outline(value.as_object().unwrap(), 2);
        insta::assert_snapshot!(lines.join("\n"), @"
        empty: []
        flag: true
        messages:
          - content:
              a
              b
            role: user
          - content:
              x: null
            role: tool
          -
          - - 1
            - 2.5
        none: {}
        prompt:
          first
            second
        question: one line
        ");
    }
}
