//! Renders events as a tree, ordered by start time.

use std::collections::{HashMap, HashSet};

use clap::ValueEnum;
use hh_sdk::api::types::{Event, Object};
use hh_text::one_line;
use serde_json::Value;
use uuid::Uuid;

use crate::output::{columns, cut, duration};

/// The number of columns between the longest name and the type.
const GAP: usize = 2;
/// The maximum width of a name, in columns.
const MAX_NAME: usize = 80;
/// The maximum indentation, in characters.
const MAX_INDENT: usize = 30;
/// The width of the type and the duration, in columns.
const DETAILS: usize = 17;

/// A member of events that the tree can show.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shown {
    Inputs,
    Outputs,
}

impl Shown {
    /// Returns the member of an event with its name.
    fn of(self, event: &Event) -> (&'static str, &Object) {
        match self {
            Self::Inputs => ("inputs", &event.inputs),
            Self::Outputs => ("outputs", &event.outputs),
        }
    }
}

/// An event in the tree, before its columns are aligned.
struct Line<'a> {
    label: String,
    event: &'a Event,
    /// The beginning of the lines between this event and the next one.
    below: String,
}

/// Renders each event once, in lines of at most `width` columns. An event whose parent is missing is a root. The members
/// `shown` follow their event, each on one line.
pub(crate) fn render(events: &[Event], shown: &[Shown], width: Option<usize>) -> Vec<String> {
    let lines = lines(events);
    let longest = lines.iter().map(|line| columns(&line.label)).max();
    // On a narrow screen, long names are truncated so that the durations stay visible.
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(DETAILS + GAP));
    let labels = longest.unwrap_or(0).min(room);
    let mut rendered = Vec::new();
    for Line {
        label,
        event,
        below,
    } in &lines
    {
        let label = cut(label, labels);
        let padding = " ".repeat(labels.saturating_sub(columns(&label)) + GAP);
        let kind = event.event_type.as_str();
        let took = duration(event.duration);
        let error = event.error.as_deref().map(one_line);
        let error = error.map_or_else(String::new, |error| format!("  error: {error}"));
        rendered.push(format!("{label}{padding}{kind:8}{took:>9}{error}"));
        let members = shown.iter().map(|member| member.of(event));
        for (name, members) in members.filter(|(_, members)| !members.is_empty()) {
            let members = members
                .iter()
                .map(|(name, value)| format!("{name}={}", compact(value)));
            let members = members.collect::<Vec<_>>().join(", ");
            rendered.push(format!("{below}{name}: {}", one_line(&members)));
        }
    }
    if let Some(width) = width {
        for line in &mut rendered {
            if columns(line) > width {
                *line = cut(line, width).into_owned();
            }
        }
    }
    rendered
}

/// Returns a value on one line: a text without quotes, and anything else as JSON.
fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('\n', " "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

fn lines(events: &[Event]) -> Vec<Line<'_>> {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
    let ids: HashSet<Uuid> = events.iter().map(|event| event.event_id).collect();
    let mut roots = Vec::new();
    let mut below: HashMap<Uuid, Vec<&Event>> = HashMap::new();
    for event in &sorted {
        match event.parent_id.filter(|id| ids.contains(id)) {
            Some(parent) => below.entry(parent).or_default().push(event),
            None => roots.push(*event),
        }
    }
    let mut lines = Vec::new();
    let mut shown = HashSet::new();
    // After the roots, the earliest event of each parent cycle, which has no root.
    for event in roots.into_iter().chain(sorted) {
        let is_in_cycle = event.parent_id.is_some_and(|id| ids.contains(&id));
        let note = if is_in_cycle { " (parent cycle)" } else { "" };
        if !shown.contains(&event.event_id) {
            push_subtree(&mut lines, &mut shown, &mut below, event, note);
        }
    }
    lines
}

/// Adds an event and its descendants, without recursion, because a chain may be thousands of events deep.
fn push_subtree<'a>(
    lines: &mut Vec<Line<'a>>,
    shown: &mut HashSet<Uuid>,
    below: &mut HashMap<Uuid, Vec<&'a Event>>,
    top: &'a Event,
    note: &str,
) {
    let mut stack = vec![(top, String::new(), String::new(), note)];
    while let Some((event, branch, indent, note)) = stack.pop() {
        if !shown.insert(event.event_id) {
            continue;
        }
        let name = cut(&one_line(&event.event_name), MAX_NAME).into_owned();
        let children = below.remove(&event.event_id).unwrap_or_default();
        let line = if children.is_empty() { "   " } else { "│  " };
        lines.push(Line {
            label: format!("{branch}{name}{note}"),
            event,
            below: format!("{indent}{line}"),
        });
        for (at, child) in children.iter().enumerate().rev() {
            let is_last = at + 1 == children.len();
            let (line, more) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let deeper = if indent.chars().count() < MAX_INDENT {
                more
            } else {
                ""
            };
            stack.push((
                child,
                format!("{indent}{line}"),
                format!("{indent}{deeper}"),
                "",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hh_sdk::EventKind;
    use serde_json::json;

    fn event(id: u128, parent: Option<u128>, name: &str) -> Event {
        Event {
            event_id: Uuid::from_u128(id),
            session_id: Uuid::from_u128(1),
            parent_id: parent.map(Uuid::from_u128),
            event_type: EventKind::Tool,
            event_name: name.to_owned(),
            source: String::new(),
            project_id: String::new(),
            config: Object::new(),
            inputs: Object::new(),
            outputs: Object::new(),
            error: None,
            start_time: 1.0,
            end_time: 2.0,
            duration: 1.0,
            metadata: Object::new(),
            metrics: Object::new(),
            feedback: Object::new(),
            user_properties: Object::new(),
        }
    }

    #[test]
    fn every_event_is_shown_once_circles_too() {
        let events = [
            event(1, None, "session"),
            event(2, Some(1), "one"),
            event(3, Some(2), "two"),
            event(4, Some(1), "three\n"),
            event(5, Some(6), "a"),
            event(6, Some(5), "b"),
            event(7, Some(7), "self"),
            event(8, Some(99), "orphan"),
        ];
        insta::assert_snapshot!(render(&events, &[], None).join("\n"), @"
        session              tool      1.00 ms
        ├─ one               tool      1.00 ms
        │  └─ two            tool      1.00 ms
        └─ three�            tool      1.00 ms
        orphan               tool      1.00 ms
        a (parent cycle)     tool      1.00 ms
        └─ b                 tool      1.00 ms
        self (parent cycle)  tool      1.00 ms
        ");
    }

    #[test]
    fn inputs_and_outputs_follow_their_event_and_fit_the_width() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let mut events = [
            event(1, None, "answer"),
            event(2, Some(1), "search"),
            event(3, Some(1), "chat"),
            event(4, Some(3), "tool"),
        ];
        events[0].inputs = object(json!({"question": "a\nb", "n": 2}));
        events[1].inputs = object(json!({"q": "x"}));
        events[1].outputs = object(json!({"found": [1, {"a": "b"}]}));
        events[2].outputs = object(json!({"text": "t".repeat(60)}));
        events[3].inputs = object(json!({"q": 1}));
        let shown = [Shown::Inputs, Shown::Outputs];
        insta::assert_snapshot!(render(&events, &shown, Some(40)).join("\n"), @r#"
        answer      tool      1.00 ms
        │  inputs: n=2, question=a b
        ├─ search   tool      1.00 ms
        │     inputs: q=x
        │     outputs: found=[1,{"a":"b"}]
        └─ chat     tool      1.00 ms
           │  outputs: text=ttttttttttttttttttt…
           └─ tool  tool      1.00 ms
                 inputs: q=1
        "#);
        assert!(
            render(&events, &shown, None)
                .join("\n")
                .contains(&"t".repeat(60))
        );
        assert_eq!(render(&events, &[], None).len(), 4);
    }

    #[test]
    fn long_names_and_deep_chains_stay_bounded() {
        let mut events = vec![event(1, None, &"n".repeat(70_000))];
        events.extend((2..5000).map(|id| event(id, Some(id - 1), "x")));
        let lines = render(&events, &[], None);
        assert_eq!(lines.len(), 4999);
        assert!(lines.iter().all(|line| line.chars().count() < 200));
    }
}
