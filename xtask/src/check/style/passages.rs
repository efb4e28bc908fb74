//! The texts in a file: comments and string literals of Rust code, documents, and comments of other files.

/// A text with the place where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// The first line, counted from 1.
    pub(super) line: usize,
    /// Line breaks are those of the file.
    pub(super) text: String,
}

/// Returns the text of a document without the lines that open and close code blocks.
pub(super) fn of_document(text: &str) -> Vec<Passage> {
    let lines = text.lines().map(|line| {
        if line.trim_start().starts_with("```") {
            ""
        } else {
            line
        }
    });
    vec![Passage {
        line: 1,
        text: lines.collect::<Vec<_>>().join("\n"),
    }]
}

/// Returns the comments of a file whose comments begin with `mark`, such as `#`; each block of lines is one text.
pub(super) fn of_lines(text: &str, mark: &str) -> Vec<Passage> {
    let mut passages = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(comment) = line.trim_start().strip_prefix(mark) {
            add_comment(&mut passages, index + 1, comment);
        }
    }
    passages
}

/// Returns the comments of Rust code and its string literals, except for the literals of tests.
pub(super) fn of_rust(text: &str, is_test: bool) -> Vec<Passage> {
    let mut scanner = Scanner {
        rest: text,
        line: 1,
        depth: 0,
        test: None,
        before: '\n',
        comments: Vec::new(),
        literals: Vec::new(),
    };
    while scanner.step() {}
    let mut passages = scanner.comments;
    passages.iter_mut().for_each(drop_code_blocks);
    if !is_test {
        passages.extend(scanner.literals);
    }
    passages.sort_by_key(|passage| passage.line);
    passages
}

/// Reads Rust code from its start to its end.
struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    /// Open braces.
    depth: usize,
    /// The open braces around the item that only tests have, and whether its own brace was read.
    test: Option<(usize, bool)>,
    /// The character before the rest.
    before: char,
    comments: Vec<Passage>,
    literals: Vec<Passage>,
}

impl Scanner<'_> {
    /// Reads one comment, literal or character; returns whether there was one.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else {
            return false;
        };
        let length = match first {
            '/' if self.rest.starts_with("//") => self.line_comment(),
            '/' if self.rest.starts_with("/*") => self.block_comment(),
            '"' => self.literal(1, "\"", true),
            'r' | 'b' | 'c' if !is_of_name(self.before) => self.prefixed_literal(),
            '\'' => character_length(self.rest),
            _ => self.code(first),
        };
        let (read, rest) = self.rest.split_at(length);
        self.line += read.matches('\n').count();
        self.before = read.chars().next_back().unwrap_or(first);
        self.rest = rest;
        true
    }

    /// Follows braces and the attribute of items that only tests have.
    fn code(&mut self, first: char) -> usize {
        match first {
            '#' if self.rest.starts_with("#[cfg(test)]") && self.test.is_none() => {
                self.test = Some((self.depth, false));
            }
            '{' => {
                self.depth += 1;
                if let Some((_, is_open)) = &mut self.test {
                    *is_open = true;
                }
            }
            '}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.test.is_some_and(|(depth, _)| depth == self.depth) {
                    self.test = None;
                }
            }
            ';' if self.test.is_some_and(|(_, is_open)| !is_open) => self.test = None,
            _ => {}
        }
        first.len_utf8()
    }

    fn line_comment(&mut self) -> usize {
        let length = self.rest.find('\n').unwrap_or(self.rest.len());
        let comment = self.rest[..length].trim_start_matches('/');
        let comment = comment.strip_prefix('!').unwrap_or(comment);
        add_comment(&mut self.comments, self.line, comment);
        length
    }

    fn block_comment(&mut self) -> usize {
        let length = self.rest.find("*/").map_or(self.rest.len(), |end| end + 2);
        let text = self.rest[..length].replace(['*', '/'], " ");
        let line = self.line;
        self.comments.push(Passage { line, text });
        length
    }

    /// Reads a literal such as `b"..."` or `r#"..."#`, or else one character of code.
    fn prefixed_literal(&mut self) -> usize {
        let is_raw = self.rest.starts_with('r') || self.rest[1..].starts_with('r');
        let prefix = self.rest.trim_start_matches(['r', 'b', 'c']);
        let letters = self.rest.len() - prefix.len();
        let quote = prefix.trim_start_matches('#');
        let hashes = prefix.len() - quote.len();
        if letters > 2 || !quote.starts_with('"') || (hashes > 0 && !is_raw) {
            return 1;
        }
        let end = "\"".to_owned() + &"#".repeat(hashes);
        self.literal(letters + hashes + 1, &end, !is_raw)
    }

    /// Reads a literal whose text begins at `start`.
    fn literal(&mut self, start: usize, end: &str, has_escapes: bool) -> usize {
        let mut text = String::new();
        let mut at = start;
        while let Some(character) = self.rest[at..].chars().next() {
            if self.rest[at..].starts_with(end) {
                at += end.len();
                break;
            }
            at += character.len_utf8();
            if has_escapes && character == '\\' {
                let escaped = self.rest[at..].chars().next().unwrap_or(' ');
                at += escaped.len_utf8();
                match escaped {
                    '\n' => text.push('\n'),
                    '"' => text.push('"'),
                    _ => text.push(' '),
                }
            } else {
                text.push(character);
            }
        }
        if self.test.is_none() {
            let line = self.line;
            self.literals.push(Passage { line, text });
        }
        at
    }
}

/// Returns the length of a character literal, or 1 for the quote of a lifetime.
fn character_length(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let after = at + escaped.len_utf8();
            text[after..].find('\'').map_or(1, |end| after + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Adds a line of a comment, to the block that ends above it if there is one.
fn add_comment(passages: &mut Vec<Passage>, line: usize, comment: &str) {
    if let Some(last) = passages.last_mut()
        && last.line + last.text.matches('\n').count() + 1 == line
    {
        last.text.push('\n');
        last.text.push_str(comment);
        return;
    }
    let text = comment.to_owned();
    passages.push(Passage { line, text });
}

/// Empties the lines of code blocks in a comment.
fn drop_code_blocks(passage: &mut Passage) {
    let mut is_code = false;
    let lines = passage.text.lines().map(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence { "" } else { line }
    });
    passage.text = lines.collect::<Vec<_>>().join("\n");
}

#[cfg(test)]
mod tests {
    use super::{Passage, of_document, of_lines, of_rust};

    #[track_caller]
    fn assert_passages(passages: &[Passage], expected: &[(usize, &str)]) {
        let passages: Vec<_> = passages
            .iter()
            .map(|passage| (passage.line, passage.text.as_str()))
            .collect();
        assert_eq!(passages, expected);
    }

    #[test]
    fn comments_and_literals_of_rust_are_told_from_code() {
        let code = r##"//! One.
/// Two
/// lines.
fn name<'a>(text: &'a str) -> char {
    let url = "http://host"; // three
    let raw = r#"a "quoted" // text"#;
    let bytes = b"\"four\" \
        lines";
    call(br"\", '"', '\'', '\u{2f}', r, c"five")
    /* six */
}
"##;
        let expected = [
            (1, " One.\n Two\n lines."),
            (5, " three"),
            (5, "http://host"),
            (6, "a \"quoted\" // text"),
            (7, "\"four\" \n        lines"),
            (9, "\\"),
            (9, "five"),
            (10, "   six   "),
        ];
        assert_passages(&of_rust(code, false), &expected);
    }

    #[test]
    fn literals_of_tests_and_code_blocks_of_comments_are_left_out() {
        let code = "/// A
/// ```
/// code
/// ```
/// B
#[cfg(test)]
mod tests { const A: &str = \"a\"; fn f() { \"b\" } }
#[cfg(test)]
use c;
const D: &str = \"d\";
";
        let expected = [(1, " A\n\n\n\n B"), (10, "d")];
        assert_passages(&of_rust(code, false), &expected);
        assert_passages(&of_rust(code, true), &expected[..1]);
    }

    #[test]
    fn documents_and_comments_of_other_files_keep_their_lines() {
        let document = "A\n\n```console\n$ b\n```\n";
        assert_passages(&of_document(document), &[(1, "A\n\n\n$ b\n")]);
        let settings = "# a\n# b\nc = 1 # d\n  # e\n";
        assert_passages(&of_lines(settings, "#"), &[(1, " a\n b"), (4, " e")]);
    }
}
