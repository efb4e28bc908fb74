use std::io::Read;

use ::base64::Engine as _;
use hh_auth::Level;
use secrecy::ExposeSecret as _;

use super::*;

#[expect(clippy::disallowed_methods, reason = "the test plants these keys")]
fn minted(level: Level) -> String {
    hh_auth::mint(level)
        .unwrap()
        .key
        .secret()
        .expose_secret()
        .to_owned()
}

fn places(text: impl AsRef<[u8]>) -> Vec<(usize, usize, Confidence)> {
    let found = Scanner::new()
        .unwrap()
        .scan_stream(text.as_ref(), false)
        .unwrap();
    found
        .matches
        .iter()
        .map(|hit| {
            let (line, column) = hit.position.unwrap();
            (line, column, hit.confidence)
        })
        .collect()
}

/// Reads a few bytes at a time, as a pipe may.
struct SlowReader<'a>(&'a [u8]);

impl Read for SlowReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(7_777);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn a_key_is_found_wherever_two_parts_of_the_text_meet() {
    for (level, line) in [(Level::Admin, ""), (Level::IngestOnly, "\n")] {
        let key = minted(level);
        // The start and the end of the first two chunks.
        for border in [
            CHUNK - AROUND,
            CHUNK,
            2 * CHUNK - 3 * AROUND,
            2 * CHUNK - 2 * AROUND,
        ] {
            for before in (border - 100..border + 3).step_by(12) {
                let (before, spaces) = ("é.".repeat(before / 3), " ".repeat(CHUNK));
                let text = format!("{before}{line}{key}{spaces}");
                let found = Scanner::new()
                    .unwrap()
                    .scan_stream(SlowReader(text.as_bytes()), false)
                    .unwrap();
                let (line, column) = match line {
                    "" => (1, before.chars().count() + 1),
                    _ => (2, 1),
                };
                let places: Vec<_> = found
                    .matches
                    .iter()
                    .map(|hit| hit.position.unwrap())
                    .collect();
                assert_eq!(places, [(line, column)], "{border} {}", before.len());
            }
        }
    }
}

#[test]
fn base64_with_anything_before_and_behind() {
    let key = minted(Level::ReadOnly);
    for alphabet in [
        ::base64::engine::general_purpose::STANDARD,
        ::base64::engine::general_purpose::URL_SAFE_NO_PAD,
    ] {
        for before in ["", "a", "ab", "abc", "user:", "HH_API_KEY=", "\u{ff}?>~"] {
            for behind in ["", "\n", "\n\n", "&a=b", "\u{ff}?>~~~"] {
                let text = alphabet.encode(format!("{before}{key}{behind}"));
                let found = Scanner::new().unwrap();
                let found = { found }
                    .scan_stream(format!("a\n  data: {text}\n").as_bytes(), false)
                    .unwrap();
                let hit = &found.matches[0];
                assert_eq!(found.matches.len(), 1, "{before:?} {behind:?}");
                assert_eq!(
                    (hit.position.unwrap().0, hit.encoding, hit.confidence),
                    (2, Encoding::Base64, Confidence::Confirmed)
                );
                assert_eq!(hit.redacted, Some(format!("{}***", &key[..8])));
            }
        }
    }
}

/// Breaks a text into lines of a width, as base64 programs do.
fn wrapped(text: &str, width: usize, line_break: &str) -> String {
    let lines = text.as_bytes().chunks(width);
    let lines = lines.map(|line| String::from_utf8(line.to_vec()).unwrap());
    lines.collect::<Vec<_>>().join(line_break)
}

#[test]
fn base64_over_several_lines_at_every_offset() {
    let standard = ::base64::engine::general_purpose::STANDARD;
    for key in [minted(Level::Admin), minted(Level::IngestOnly)] {
        for skipped in 0..80 {
            let text = standard.encode(format!("{}={key}\n", "x".repeat(skipped)));
            for width in [64, 76] {
                for line_break in ["\n", "\r\n", "\n    ", "\r\n\t", "\\n", "\\r\\n"] {
                    let text = wrapped(&text, width, line_break);
                    let text = format!("data: {text}{line_break}next: line\n{key}");
                    let found = Scanner::new().unwrap().scan_stream(text.as_bytes(), false);
                    let found = found.unwrap().matches;
                    assert_eq!(found.len(), 2, "{skipped} {width} {line_break:?}");
                    assert_eq!(found[0].encoding, Encoding::Base64);
                    let all = [Confidence::Confirmed; 2];
                    assert_eq!([found[0].confidence, found[1].confidence], all);
                }
            }
        }
    }
}

#[test]
fn base64_of_utf16_of_either_order_at_every_offset() {
    let standard = ::base64::engine::general_purpose::STANDARD;
    let possible = "hh_k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"; // hh-scan: ignore
    for key in [
        minted(Level::Admin),
        minted(Level::IngestOnly),
        possible.to_owned(),
    ] {
        for skipped in 0..50 {
            let text = format!("{}$env:HH_API_KEY = '{key}'; run", "é".repeat(skipped));
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            // A single byte before the text changes the alignment.
            for text in [
                little.clone(),
                big.clone(),
                [b"a", &*little].concat(),
                [b"a", &*big].concat(),
            ] {
                let text = standard.encode(text);
                for text in [
                    text.clone(),
                    wrapped(&text, 76, "\r\n"),
                    wrapped(&text, 64, "\n  "),
                ] {
                    let found = Scanner::new().unwrap().scan_stream(text.as_bytes(), false);
                    let found = found.unwrap().matches;
                    assert_eq!(found.len(), 1, "{skipped}");
                    assert_eq!(found[0].encoding, Encoding::WideBase64);
                    assert_eq!(found[0].redacted, Some(hh_auth::redact(&key)));
                }
            }
        }
    }
}

#[test]
fn utf16_of_either_order() {
    let key = minted(Level::Admin);
    let text = format!("\u{feff}one\nkey = {key}\r\n{key}");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wanted = [(2, 7, Confidence::Confirmed), (3, 1, Confidence::Confirmed)];
    assert_eq!(places(little), wanted);
    assert_eq!(places(big), wanted);
    let ignored = format!("\u{feff}{key} # {IGNORE_MARK}\n");
    let ignored: Vec<u8> = ignored.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(places(ignored), []);
}

#[test]
fn a_confirmed_key_may_touch_others_and_a_possible_one_may_not() {
    let key = minted(Level::Admin);
    let confirmed = |column| (1, column, Confidence::Confirmed);
    assert_eq!(
        places(format!("é{key}{key}x")),
        [confirmed(2), confirmed(45)]
    );
    assert_eq!(places(format!("\u{feff}{key}")), [confirmed(1)]);
    let possible = "hh_k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"; // hh-scan: ignore
    let wanted = |column| vec![(1, column, Confidence::Possible)];
    for (before, column) in [("", 1), ("\"", 2), ("=", 2), ("a\\n", 4), ("key%3D", 7)] {
        assert_eq!(
            places(format!("{before}{possible}")),
            wanted(column),
            "{before}"
        );
    }
    for before in ["a", "A", "0", "_"] {
        assert_eq!(places(format!("{before}{possible}")), [], "{before}");
    }
}

#[test]
fn the_mark_silences_its_line_or_alone_the_next() {
    let key = minted(Level::Admin);
    for text in [
        format!("a = '{key}' # {IGNORE_MARK}\n"),
        format!("<!-- {IGNORE_MARK} --> {key}"),
        format!("# {IGNORE_MARK}\nENV HH_API_KEY={key}\n"),
        format!("first\r\n  // {IGNORE_MARK}\r\n{key}\r\n"),
        format!("{}{key} {IGNORE_MARK}", " ".repeat(3 * CHUNK)),
    ] {
        assert_eq!(places(&text), []);
    }
    for (text, line) in [
        (format!("# {IGNORE_MARK}\n\n{key}"), 3),
        (format!("other # {IGNORE_MARK}\n{key}"), 2),
        (format!("{key}\n# {IGNORE_MARK}"), 1),
        (format!("{key}{}{IGNORE_MARK}", " ".repeat(AROUND)), 1),
    ] {
        assert_eq!(places(&text), [(line, 1, Confidence::Confirmed)]);
    }
    // A mark after a key applies to the line of that key only.
    assert_eq!(
        places(format!("{key} # {IGNORE_MARK}\n{key}")),
        [(2, 1, Confidence::Confirmed)]
    );
}

#[test]
fn a_key_in_a_dockerfile_is_found_once() {
    let key = minted(Level::Admin);
    let text = format!(
        "FROM a\nARG HH_API_KEY\nENV HH_API_KEY={key}\nENV HONEYHIVE_API_KEY=\"${{HH_API_KEY}}\"\n"
    );
    let found = Scanner::new()
        .unwrap()
        .scan_stream(text.as_bytes(), true)
        .unwrap();
    let hits: Vec<_> = found
        .matches
        .iter()
        .map(|hit| (hit.position.unwrap(), hit.kind.as_str()))
        .collect();
    let wanted = [
        ((2, 5), "key in a build argument"),
        ((3, 16), "project key"),
        ((4, 5), "key in a variable of an image"),
    ];
    assert_eq!(hits, wanted);
    let marked = format!("# {IGNORE_MARK}\nARG HH_API_KEY\n");
    assert!(
        Scanner::new()
            .unwrap()
            .scan_stream(marked.as_bytes(), true)
            .unwrap()
            .matches
            .is_empty()
    );
}

#[test]
fn possible_keys_do_not_fill_the_memory_and_hide_no_confirmed_one() {
    let possible = "hh_k7Qm2Xw9Rt4Lp8Zs3Nv6Bd1Hf5Jg0Cya"; // hh-scan: ignore
    let text = format!("{possible}\n").repeat(3_000) + &minted(Level::Admin);
    let found = Scanner::new()
        .unwrap()
        .scan_stream(text.as_bytes(), false)
        .unwrap();
    assert_eq!(
        (found.matches.len(), found.omitted),
        (MAX_POSSIBLE + 1, 2_000)
    );
    assert_eq!(
        found.matches[MAX_POSSIBLE].confidence,
        Confidence::Confirmed
    );
    assert_eq!(found.matches[MAX_POSSIBLE].position, Some((3_001, 1)));
}
