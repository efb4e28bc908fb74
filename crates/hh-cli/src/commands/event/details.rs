//! Describes one event in lines of text.

use hh_sdk::api::types::{Event, Object};

use crate::output::{Screen, duration, outline};

/// The indentation of a section, in spaces.
const INDENT: usize = 2;

/// Returns everything about an event: one fact per line, then a section for each of its objects.
pub(crate) fn lines(event: &Event, screen: &Screen) -> Vec<String> {
    let mut lines = facts(event, screen);
    lines.extend(sections(event));
    lines
}

/// Returns the facts about an event, one per line.
pub(crate) fn facts(event: &Event, screen: &Screen) -> Vec<String> {
    let is_session = event.event_id == event.session_id;
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    [
        ("Name", Some(event.event_name.clone())),
        ("Type", Some(event.event_type.as_str().to_owned())),
        ("Id", Some(event.event_id.to_string())),
        (
            "Session",
            (!is_session).then(|| event.session_id.to_string()),
        ),
        ("Parent", event.parent_id.map(|id| id.to_string())),
        ("Project", text(&event.project_id)),
        ("Source", text(&event.source)),
        ("Started", Some(screen.millis(event.start_time))),
        ("Duration", Some(duration(event.duration))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!("{name}: {}", value?)))
    .collect()
}

/// Returns a section for the error and for each object that is not empty, each after an empty line.
pub(crate) fn sections(event: &Event) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(error) = &event.error {
        lines.extend([String::new(), "Error".to_owned()]);
        let error = error.lines().map(|line| format!("{:INDENT$}{line}", ""));
        lines.extend(error);
    }
    let objects: [(&str, &Object); 7] = [
        ("Inputs", &event.inputs),
        ("Outputs", &event.outputs),
        ("Config", &event.config),
        ("Metadata", &event.metadata),
        ("Metrics", &event.metrics),
        ("Feedback", &event.feedback),
        ("User properties", &event.user_properties),
    ];
    for (title, members) in objects {
        if !members.is_empty() {
            lines.extend([String::new(), title.to_owned()]);
            lines.extend(outline(members, INDENT));
        }
    }
    lines
}
