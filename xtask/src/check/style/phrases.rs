//! Reads the list of phrases and finds phrases in texts.

use std::collections::HashMap;

/// The list. It is part of the program, so that a check of another folder uses the same list.
const LIST: &str = include_str!("../../../style/phrases.txt");
/// Instead of better words: the phrase is correct.
const CORRECT: &str = "OK";

/// A phrase that texts do not use.
#[derive(Debug)]
struct Phrase {
    /// The alternatives for each word, in lower case.
    words: Vec<Vec<&'static str>>,
    better: &'static str,
}

/// All phrases, by the words that they can begin with.
#[derive(Debug)]
pub(super) struct Phrases {
    by_first_word: HashMap<&'static str, Vec<Phrase>>,
}

/// A phrase found in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Number of line breaks before the phrase.
    pub(super) line: usize,
    /// The words as the text has them, in lower case.
    pub(super) phrase: String,
    pub(super) better: &'static str,
}

/// A word of a text, or the end of a clause.
struct Word {
    line: usize,
    /// In lower case; empty for the end of a clause.
    text: String,
}

impl Phrases {
    /// Reads the list.
    pub(super) fn read() -> Self {
        let mut by_first_word: HashMap<_, Vec<_>> = HashMap::new();
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            let Some((phrase, better)) = line.split_once(" => ") else {
                continue;
            };
            let words: Vec<Vec<_>> = phrase
                .split_whitespace()
                .map(|word| word.split('/').collect())
                .collect();
            for &first in &words[0] {
                let words = words.clone();
                let phrase = Phrase { words, better };
                by_first_word.entry(first).or_default().push(phrase);
            }
        }
        // The longest phrase names the best words.
        for phrases in by_first_word.values_mut() {
            phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.words.len()));
        }
        Self { by_first_word }
    }

    /// Returns the phrases of a text in order.
    pub(super) fn find(&self, text: &str) -> Vec<Match> {
        let words = words(text);
        let mut found = Vec::new();
        let mut start = 0;
        while start < words.len() {
            match self.at(&words[start..]) {
                Some((phrase, length)) => {
                    if phrase.better != CORRECT {
                        let shown = words[start..start + length].iter();
                        let shown: Vec<_> = shown.map(|word| word.text.as_str()).collect();
                        found.push(Match {
                            line: words[start].line,
                            phrase: shown.join(" "),
                            better: phrase.better,
                        });
                    }
                    start += length;
                }
                None => start += 1,
            }
        }
        found
    }

    /// Returns the phrase that begins at the first word, with its number of words.
    fn at(&self, words: &[Word]) -> Option<(&Phrase, usize)> {
        let phrases = self.by_first_word.get(words.first()?.text.as_str())?;
        let phrase = phrases.iter().find(|phrase| {
            let mut pairs = phrase.words.iter().zip(words);
            phrase.words.len() <= words.len()
                && pairs.all(|(alternatives, word)| alternatives.contains(&word.text.as_str()))
        })?;
        Some((phrase, phrase.words.len()))
    }
}

/// Splits a text into words. Code in backticks and punctuation end a clause.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut line = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if is_of_word(first) {
            let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            words.push(Word {
                line,
                text: rest[..length].to_lowercase(),
            });
            length
        } else {
            let length = if first == '`' {
                code_span(rest)
            } else {
                first.len_utf8()
            };
            let is_space = first.is_whitespace() && !rest.starts_with("\n\n");
            if !is_space && first != ',' {
                let text = String::new();
                words.push(Word { line, text });
            }
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    words
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || "_'-".contains(character)
}

/// Returns the length of a code span at the start of a text. A single backtick without a second one is not a code span.
fn code_span(text: &str) -> usize {
    let ticks = text.len() - text.trim_start_matches('`').len();
    let paragraph = text.find("\n\n").unwrap_or(text.len());
    let close = text[ticks..paragraph.max(ticks)].find(&text[..ticks]);
    close.map_or(ticks, |at| ticks + at + ticks)
}

#[cfg(test)]
mod tests {
    use super::Phrases;

    #[track_caller]
    fn assert_found(text: &str, expected: &[(usize, &str)]) {
        let found = Phrases::read().find(text);
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.line, found.phrase.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn phrases_are_found_in_any_case_and_across_lines() {
        assert_found("Somebody took it.", &[(0, "somebody")]);
        assert_found("one\ntwo in place\nof three", &[(1, "in place of")]);
        assert_found(
            "Its name is none, and so\nmany",
            &[(0, "is none"), (0, "so many")],
        );
    }

    #[test]
    fn the_longest_phrase_is_reported_once() {
        assert_found("a reader of its own accord", &[(0, "of its own accord")]);
        assert_found("as people know it", &[(0, "as people")]);
    }

    #[test]
    fn plain_sentences_code_and_ends_of_clauses_are_not_reported() {
        assert_found("Returns the number of keys.", &[]);
        assert_found("Call `nobody()` or ``so many``.", &[]);
        assert_found("it is so. Many keys", &[]);
        assert_found("a lone ` before so many\n\n`", &[(0, "so many")]);
        assert_found("the nobodys and whoever_else", &[]);
        assert_found("is\n\nnone", &[]);
        assert_found("so that many keys work, and there are no others", &[]);
    }

    #[test]
    fn every_phrase_has_better_words() {
        let phrases = Phrases::read();
        let all: Vec<_> = phrases.by_first_word.values().flatten().collect();
        assert!(all.len() > 100, "{}", all.len());
        for phrase in all {
            assert!(!phrase.better.trim().is_empty(), "{phrase:?}");
        }
    }
}
