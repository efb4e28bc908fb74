//! Events as a tree, in order of their start.

use std::collections::{BTreeMap, HashSet};

use hh_sdk::api::types::Event;
use uuid::Uuid;

use crate::output::{duration, one_line};

/// Columns between the longest name and the type.
const GAP: usize = 2;

/// One line of the tree, before its columns are aligned.
struct Line<'a> {
    label: String,
    event: &'a Event,
}

/// Renders events; one whose parent is not among them stands at the top.
pub(super) fn render(events: &[Event]) -> Vec<String> {
    let ids: HashSet<Uuid> = events.iter().map(|event| event.event_id).collect();
    let mut below: BTreeMap<Option<Uuid>, Vec<&Event>> = BTreeMap::new();
    for event in events {
        let parent = event
            .parent_id
            .filter(|id| ids.contains(id) && *id != event.event_id);
        below.entry(parent).or_default().push(event);
    }
    for siblings in below.values_mut() {
        siblings.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
    }
    let mut lines = Vec::new();
    for root in below.remove(&None).unwrap_or_default() {
        push(&mut lines, &mut below, root, "", "");
    }
    let width = lines.iter().map(|line| line.label.chars().count()).max();
    let width = width.unwrap_or(0) + GAP;
    lines
        .iter()
        .map(|Line { label, event }| {
            let kind = event.event_type.as_str();
            let took = duration(event.duration);
            let error = event.error.clone().map(one_line);
            let error = error.map_or_else(String::new, |error| format!("  error: {error}"));
            format!("{label:width$}{kind:8}{took:>9}{error}")
        })
        .collect()
}

/// Adds an event and those below it. Each is taken out of the map, so that a circle of parents ends.
fn push<'a>(
    lines: &mut Vec<Line<'a>>,
    below: &mut BTreeMap<Option<Uuid>, Vec<&'a Event>>,
    event: &'a Event,
    branch: &str,
    indent: &str,
) {
    let name = one_line(event.event_name.clone());
    lines.push(Line {
        label: format!("{branch}{name}"),
        event,
    });
    let children = below.remove(&Some(event.event_id)).unwrap_or_default();
    let last = children.len().saturating_sub(1);
    for (at, child) in children.into_iter().enumerate() {
        let (line, more) = if at == last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        push(
            lines,
            below,
            child,
            &format!("{indent}{line}"),
            &format!("{indent}{more}"),
        );
    }
}
