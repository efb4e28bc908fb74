//! Recognizes keys that were copied with quotes, or with the text before them.

/// The text around a key, with its description for messages.
pub(super) enum Decoration {
    /// Quotes, in plural.
    Quotes(&'static str),
    /// Text before the key.
    Before(&'static str),
}

/// The quotes around a key, with their names. German texts close with the quote that opens an English text.
const QUOTES: [(&[char], &str); 4] = [
    (&['"'], "double quotes"),
    (&['\''], "single quotes"),
    (&['`'], "backquotes"),
    (
        &[
            '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}', '\u{201c}', '\u{201d}', '\u{201e}',
            '\u{201f}', '\u{ab}', '\u{bb}', '\u{2039}', '\u{203a}',
        ],
        "typographic quotes",
    ),
];

/// The texts before a key, in any case, with their descriptions. The first that fits is reported.
const BEFORE: [(&str, &str); 8] = [
    ("export ", "\"export\""),
    ("set ", "\"set\""),
    ("authorization:", "\"Authorization:\""),
    ("bearer ", "\"Bearer\""),
    ("x-api-key:", "\"X-API-Key:\""),
    ("hh_api_key=", "\"HH_API_KEY=\""),
    ("hh_api_key:", "\"HH_API_KEY:\""),
    ("honeyhive_api_key=", "\"HONEYHIVE_API_KEY=\""),
];

/// Returns what is around the key in a text.
pub(super) fn find(text: &str) -> Option<Decoration> {
    for (quotes, name) in QUOTES {
        // A single quote at the end remains if the opening quote was not copied.
        let is_end =
            text.starts_with("hh_") && text.ends_with(quotes) && text.matches(quotes).count() == 1;
        let is_quoted = text.starts_with(quotes) || is_end;
        if is_quoted && contains_key(text) {
            return Some(Decoration::Quotes(name));
        }
    }
    let begins_with = |before: &str| {
        let beginning = text.get(..before.len());
        beginning.is_some_and(|text| text.eq_ignore_ascii_case(before))
    };
    let before = BEFORE.iter().find(|(before, _)| begins_with(before));
    if let Some((before, description)) = before {
        let is_key = contains_key(&text[before.len()..]);
        return is_key.then_some(Decoration::Before(description));
    }
    // Another variable or header, or a setting of a file.
    let text = text.strip_prefix("$env:").unwrap_or(text);
    let (name, rest) = text.split_once(['=', ':'])?;
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let is_name = !name.is_empty() && name.chars().all(is_inner);
    (is_name && contains_key(rest))
        .then_some(Decoration::Before("the name of a variable or header"))
}

/// Returns whether the text is probably a key, with further text around it.
fn contains_key(text: &str) -> bool {
    text.contains("hh_")
}
