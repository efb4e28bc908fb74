//! Finds the name for a "did you mean …?" hint.

use crate::SETTINGS;

/// Returns the name nearest to a mistyped one: at most two edits away, and fewer than half of its letters.
pub(crate) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (distance(name, typed), name))
        .filter(|(distance, name)| *distance <= 2 && distance * 2 < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Returns the edit distance of two names (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

/// Returns the name of a setting that is similar to a mistyped one, if there is one.
#[must_use]
pub fn nearest_name(typed: &str) -> Option<&'static str> {
    nearest(
        &typed.to_ascii_lowercase().replace(['-', ' '], "_"),
        all_names(),
    )
}

fn all_names() -> impl Iterator<Item = &'static str> {
    let aliases = SETTINGS.iter().flat_map(|declared| declared.aliases);
    let names = SETTINGS.iter().map(|declared| declared.name);
    names
        .chain(aliases.copied())
        .chain(["environments", "api_key_file"])
}
