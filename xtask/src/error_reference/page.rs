//! Renders the page: tables for each crate, with exit codes and statuses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names;
use super::reader::{Collected, Conversion};
use super::sources::Sources;
use super::value::{Kind, add_new};

const HEAD: &str = "# Errors

Generated from the code by `cargo xtask references`; do not edit.

This page lists the error messages in the code of each crate, with the hint and the exit code of `honeyhive` or the HTTP
status of the server. `{name}` is a value that is known only when the error occurs. A message without a kind is part of
another message, or its kind is set in another place. A dash means that the code sets no value next to the message.
";
/// The maximum number of conversions of an error before it becomes an exit code.
const MOST_CONVERSIONS: usize = 4;

/// The kinds and hints of a message, from all places that use it.
#[derive(Default)]
struct Row {
    kinds: Vec<Kind>,
    hints: Vec<String>,
}

pub(super) fn render(sources: &Sources<'_>, collected: Collected) -> String {
    let codes = Codes {
        sources,
        conversions: &collected.conversions,
    };
    let mut crates: BTreeMap<String, BTreeMap<(String, String), Row>> = BTreeMap::new();
    for (name, found) in collected.errors {
        let rows = crates.entry(name).or_default();
        if has_words(&found.message) {
            let row = rows.entry((found.message, String::new())).or_default();
            add_new(&mut row.kinds, found.kinds);
            add_new(&mut row.hints, found.hints);
        } else if found.message.is_empty() {
            // Each hint gets its own row, because the messages that it belongs to are not known.
            for hint in found.hints {
                let row = rows.entry((String::new(), hint.clone())).or_default();
                add_new(&mut row.kinds, found.kinds.clone());
                row.hints = vec![hint];
            }
        }
    }
    for (name, kind, hints) in &collected.hints {
        let rows = crates.get_mut(name).into_iter().flatten();
        for (_, row) in rows.filter(|(_, row)| row.kinds.contains(kind)) {
            add_new(&mut row.hints, hints.clone());
        }
    }
    let mut page = HEAD.to_owned();
    for (name, rows) in crates {
        let mut lines: Vec<_> = rows
            .iter()
            .map(|((message, _), row)| line(&name, message, row, &codes))
            .collect();
        lines.sort();
        let code = if name == names::SERVER {
            "HTTP status or exit code"
        } else {
            "exit code"
        };
        table(
            &mut page,
            &format!("{name}\n\n| kind | message | hint | {code} |\n| --- | --- | --- | --- |"),
            &lines,
        );
    }
    let lines: Vec<_> = codes.exits().collect();
    table(
        &mut page,
        "Exit codes by kind\n\n| kind | exit code | default hint |\n| --- | --- | --- |",
        &lines,
    );
    let warnings = collected.warnings.into_iter();
    let mut lines: Vec<_> = warnings
        .filter(|(_, text)| has_words(text))
        .map(|(name, text)| format!("| {name} | {} |", cell(&text)))
        .collect();
    lines.sort();
    lines.dedup();
    table(
        &mut page,
        "Warnings and notes\n\n| crate | message |\n| --- | --- |",
        &lines,
    );
    page
}

fn table(page: &mut String, head: &str, lines: &[String]) {
    if !lines.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {head}\n{}\n", lines.join("\n"));
    }
}

fn line(krate: &str, message: &str, row: &Row, codes: &Codes<'_>) -> String {
    let shown = |is_shown: fn(&str) -> bool| {
        let kinds = row.kinds.iter().filter(|kind| is_shown(&kind.of));
        let mut shown: Vec<_> = kinds.map(|kind| kind.name.as_str()).collect();
        shown.sort_unstable();
        shown.dedup();
        shown.join(", ")
    };
    // The most specific names: the code of a response, a kind, or the exit code.
    let kind = [
        shown(|of| of == Kind::CODE),
        shown(|of| ![Kind::CODE, names::STATUS, names::EXIT].contains(&of)),
        shown(|of| of == names::EXIT),
    ];
    let kind = kind.into_iter().find(|text| !text.is_empty());
    let hints = row.hints.iter().filter(|hint| !hint.is_empty());
    let hints: Vec<_> = hints.map(|hint| cell(hint)).collect();
    format!(
        "| {} | {} | {} | {} |",
        dash(&kind.unwrap_or_default()),
        dash(&cell(message)),
        dash(&hints.join(" *or* ")),
        dash(&codes.of(krate, &row.kinds)),
    )
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

/// Returns a text as a cell of a table.
fn cell(text: &str) -> String {
    let text = text.replace('\n', " ").replace('|', "\\|");
    text.replace('<', "\\<").trim().to_owned()
}

/// Returns whether a text contains a word outside its placeholders.
fn has_words(text: &str) -> bool {
    // The SQL of a query can be built in the same way as a message.
    if text.starts_with("SELECT ") {
        return false;
    }
    let mut depth = 0_usize;
    text.chars().any(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && character.is_alphabetic()
    })
}

/// The exit codes and statuses of kinds.
struct Codes<'a> {
    sources: &'a Sources<'a>,
    conversions: &'a [Conversion],
}

impl Codes<'_> {
    /// Returns the statuses of an error of these kinds, or its exit codes if it has no status.
    fn of(&self, krate: &str, kinds: &[Kind]) -> String {
        let mut all = kinds.to_vec();
        for _ in 0..MOST_CONVERSIONS {
            let before = all.len();
            for kind in all.clone() {
                add_new(&mut all, self.converted(krate, &kind));
            }
            if all.len() == before {
                break;
            }
        }
        let statuses = all.iter().filter(|kind| kind.of == names::STATUS);
        let mut numbers: Vec<_> = statuses
            .filter_map(|kind| names::status_number(&kind.name))
            .map(|number| number.to_string())
            .collect();
        if numbers.is_empty() {
            let exits = all.iter().filter(|kind| kind.of == names::EXIT);
            numbers = exits
                .filter_map(|kind| self.sources.exits.get(&kind.name).cloned())
                .collect();
        }
        numbers.sort();
        numbers.dedup();
        numbers.join(", ")
    }

    /// Returns the results of the conversions of a kind, or of all errors of its type if the kind has no conversions.
    fn converted(&self, krate: &str, kind: &Kind) -> Vec<Kind> {
        let to = |of: &str, name: &str| {
            let mut all = Vec::new();
            for conversion in self.conversions {
                let from = &conversion.from;
                let is_same = || self.sources.is_same_type(of, krate, &conversion.krate);
                if from.of == of && from.name == name && is_same() {
                    add_new(&mut all, kinds_of(conversion));
                }
            }
            all
        };
        let own = to(&kind.of, &kind.name);
        if own.is_empty() {
            to(names::error_of_kind(&kind.of), Kind::ANY)
        } else {
            own
        }
    }

    /// Returns a line for each kind that becomes an exit code.
    fn exits(&self) -> impl Iterator<Item = String> {
        let mut lines = Vec::new();
        for conversion in self.conversions {
            let to = conversion.to.clone().flat();
            let exit = to.kinds.iter().find(|kind| kind.of == names::EXIT);
            if let Some(exit) = exit.and_then(|exit| self.sources.exits.get(&exit.name)) {
                let Kind { of, name } = &conversion.from;
                let hint = to.texts.first().map(|hint| cell(hint));
                let kind = match name.as_str() {
                    Kind::ANY => format!("every `{of}`"),
                    _ => format!("`{of}::{name}`"),
                };
                lines.push(format!(
                    "| {kind} | {exit} | {} |",
                    dash(&hint.unwrap_or_default())
                ));
            }
        }
        lines.sort();
        lines.dedup();
        lines.into_iter()
    }
}

fn kinds_of(conversion: &Conversion) -> Vec<Kind> {
    let to = conversion.to.clone().flat();
    let mut kinds = to.kinds;
    for error in to.errors {
        add_new(&mut kinds, error.kinds);
    }
    kinds
}
