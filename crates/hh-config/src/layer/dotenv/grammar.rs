//! Parses the lines of `.env` files with the grammar of Docker Compose, but without interpolation: a `$` is literal.
//!
//! `docs/concepts/configuration.md` describes the grammar. Such a file also contains lines for other programs, in any
//! grammar. They are skipped, so that they can neither fail the file nor change a setting.

use hh_text::Diagnostic;

/// A part of a file: usually one line.
pub(super) struct Statement<'a> {
    /// The line on which it begins, starting at 1.
    pub(super) line: usize,
    pub(super) content: Content<'a>,
}

pub(super) enum Content<'a> {
    /// A name with its value. The column is that of the value, in characters, starting at 1.
    Assignment {
        name: &'a str,
        value: String,
        column: usize,
    },
    /// A line that sets a variable of HoneyHive and cannot be parsed. The text may contain a key and is not quoted.
    Malformed(Diagnostic),
    /// A line that does not set a variable of HoneyHive, although it looks as if it does.
    Ineffective { variable: String, what: String },
}

const NOT_CLOSED: &str = "the quote is not closed";
const AFTER_QUOTE: &str = "unexpected text after the closing quote";

/// Parses a text. `is_own` returns whether a variable belongs to HoneyHive; malformed lines of other variables are skipped.
pub(super) fn parse(text: &str, is_own: impl Fn(&str) -> bool) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut number) = (text, 1);
    while !rest.is_empty() {
        let line = first_line(rest);
        let mut length = line.len();
        match Line::of(line) {
            Line::Assignment { name, at } => {
                let content = match value(rest, line, at) {
                    Ok((value, end)) => {
                        length = end;
                        let column = line[..at].chars().count() + 1;
                        Some(Content::Assignment {
                            name,
                            value,
                            column,
                        })
                    }
                    Err(what) => is_own(name).then(|| Content::Malformed(what.into())),
                };
                found.extend(content.map(|content| Statement {
                    line: number,
                    content,
                }));
            }
            Line::Other(text) => {
                found.extend(own_mistake(text, &is_own).map(|content| Statement {
                    line: number,
                    content,
                }));
            }
            Line::Blank => {}
        }
        let (taken, after) = rest.split_at(length);
        found.extend(swallowed(taken, number, &is_own));
        rest = after.strip_prefix('\n').unwrap_or(after);
        number += taken.split('\n').count();
    }
    found
}

/// Returns the text up to the end of the line, without its line feed.
fn first_line(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(line, _)| line)
}

/// A line of the file.
enum Line<'a> {
    /// An empty line or a comment.
    Blank,
    /// `NAME=`, `NAME:`, or either with `export` before it. `at` is the byte position of the value.
    Assignment { name: &'a str, at: usize },
    /// Any other text, without `export`.
    Other(&'a str),
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        // Files that were joined contain byte order marks in the middle.
        let text = hh_text::without_bom(line.trim()).trim_start();
        if text.is_empty() || text.starts_with('#') {
            return Self::Blank;
        }
        let text = match text.strip_prefix("export") {
            Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
            _ => text,
        };
        let Some((name, value)) = text.split_once(['=', ':']) else {
            return Self::Other(text);
        };
        let name = name.trim_end();
        if !is_name(name) {
            return Self::Other(text);
        }
        let value = value.trim_start();
        // All whitespace at the end of the line was cut.
        let at = line.trim_end().len() - value.len();
        Self::Assignment { name, at }
    }
}

/// Returns whether a text is a name in the grammar of Docker Compose, which also accepts the names of other programs.
fn is_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    !text.is_empty() && text.chars().all(is_inner)
}

/// Parses the value at byte `at` of a line. Returns it with the length of the text that belongs to the assignment, which
/// ends before a line feed. `rest` is the text from the beginning of the line on.
fn value(rest: &str, line: &str, at: usize) -> Result<(String, usize), &'static str> {
    let Some(quote @ ('"' | '\'')) = rest[at..].chars().next() else {
        return Ok((unquoted(line, at), line.len()));
    };
    let (value, length) = quoted(&rest[at + 1..], quote).ok_or(NOT_CLOSED)?;
    let end = at + 1 + length;
    let after = first_line(&rest[end..]);
    if matches!(after.trim_start().chars().next(), None | Some('#')) {
        Ok((value, end + after.len()))
    } else if end <= line.len() {
        Err(AFTER_QUOTE)
    } else {
        // The closing quote opens the value of another line.
        Err(NOT_CLOSED)
    }
}

/// Returns a value without quotes, which ends before a comment. A comment follows whitespace.
fn unquoted(line: &str, at: usize) -> String {
    let mut hashes = line[at..].match_indices('#').map(|(index, _)| at + index);
    let end = hashes.find(|hash| line[..*hash].ends_with(char::is_whitespace));
    line[at..end.unwrap_or(line.len())].trim_end().to_owned()
}

/// Returns a value up to its closing quote, and the length of the text with that quote. A backslash escapes the quote.
/// Double quotes have further escapes, and every other backslash is literal.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            return Some((value, at + letter.len_utf8()));
        }
        if letter != '\\' {
            value.push(letter);
            continue;
        }
        let (_, escaped) = letters.next()?;
        match (quote, escaped) {
            (_, same) if same == quote => value.push(quote),
            ('"', 'n') => value.push('\n'),
            ('"', 'r') => value.push('\r'),
            ('"', 't') => value.push('\t'),
            ('"', '\\' | '$') => value.push(escaped),
            _ => value.extend(['\\', escaped]),
        }
    }
    None
}

/// Returns the mistake of a line without an assignment that was probably meant for HoneyHive.
fn own_mistake<'a>(text: &str, is_own: impl Fn(&str) -> bool) -> Option<Content<'a>> {
    let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, '=' | ':' | '"' | '\''));
    let first = words.next().unwrap_or_default();
    if is_own(first) {
        // `NAME` and `export NAME` pass a variable on and set nothing.
        let after = text[first.len()..].trim_start();
        let is_alone = after.is_empty() || after.starts_with('#');
        return (!is_alone).then(|| Content::Malformed("expected NAME=value".into()));
    }
    if let Some(own) = words.find(|word| is_own(word)) {
        return Some(Content::Ineffective {
            variable: own.to_owned(),
            what: format!("this line does not set {own}; write {own}=VALUE"),
        });
    }
    hh_key::find_key(text).map(|_| Content::Ineffective {
        variable: "HH_API_KEY".to_owned(),
        what: "an API key without a name is ignored; write HH_API_KEY=KEY".to_owned(),
    })
}

/// Returns notes for lines that set a variable of HoneyHive within a quoted value of several lines, whose closing quote is
/// often missing.
fn swallowed(
    taken: &str,
    number: usize,
    is_own: impl Fn(&str) -> bool,
) -> impl Iterator<Item = Statement<'_>> {
    let inner = taken.split('\n').enumerate().skip(1);
    inner.filter_map(move |(index, line)| match Line::of(line) {
        Line::Assignment { name, .. } if is_own(name) => Some(Statement {
            line: number + index,
            content: Content::Ineffective {
                variable: name.to_owned(),
                what: format!(
                    "{name} is not read, because it is part of the quoted value that begins on line {number}"
                ),
            },
        }),
        Line::Assignment { .. } | Line::Blank | Line::Other(_) => None,
    })
}
