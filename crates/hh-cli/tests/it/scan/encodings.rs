//! Keys in escaped and encoded text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hh_auth::Level;

use super::{POSSIBLE, minted};
use crate::support::TestEnv;

/// Replaces each character of a key with an escape.
fn escaped(key: &str, escape: impl Fn(u32) -> String) -> String {
    key.chars()
        .map(|letter| escape(u32::from(letter)))
        .collect()
}

/// Returns output of terminals that contains a key.
fn terminal_texts(key: &str) -> Vec<(&'static str, String)> {
    let (begin, end) = key.split_at(3);
    let (first, second) = key.split_at(20);
    let link = "\x1b]8;;https://example.com/\x1b\\";
    vec![
        ("a color", format!("\x1b[32m{key}\x1b[0m")),
        (
            "a color before more text",
            format!("key: \x1b[1;38;5;208m{key}\x1b[0mINFO"),
        ),
        (
            "the output of grep",
            format!("a:\x1b[01;31m\x1b[K{begin}\x1b[m\x1b[K{end}\n"),
        ),
        (
            "a highlighted part",
            format!("\x1b[31mhh\x1b[m{}", &key[2..]),
        ),
        (
            "a highlighted letter",
            format!("\x1b[31mh\x1b[m{}", &key[1..]),
        ),
        (
            "a color in the middle",
            format!("{first}\x1b[0;31m{second}"),
        ),
        ("a link", format!("{link}{key}\x1b]8;;\x1b\\")),
        (
            "a link in the middle",
            format!("{first}{link}{second}\x1b]8;;\x07"),
        ),
        (
            "a link that ends with a bell",
            format!("{first}\x1b]8;id=1;https://example.com\x07{second}"),
        ),
        ("a character set", format!("\x1b(B{key}")),
        (
            "a color in a script",
            format!("echo -e '\\033[32m{key}\\033[0m'"),
        ),
        (
            "a color in a log in JSON",
            format!("{{\"m\":\"\\u001b[32m{key}\\u001b[0m\"}}"),
        ),
        (
            "a color in a JSON key",
            format!("{{\"m\":\"{first}\\u001b[32m{second}\"}}"),
        ),
    ]
}

/// Returns documents that contain a key with escapes in it, or directly after an escape.
fn document_texts(key: &str) -> Vec<(&'static str, String)> {
    let (first, second) = key.split_at(20);
    let under = |text: &str| key.replace('_', text);
    vec![
        ("Markdown", under("\\_")),
        ("Markdown with dashes", under("\\_").replace('-', "\\-")),
        ("Markdown in JSON", under("\\\\_")),
        ("JSON", under("\\u005f")),
        ("JSON in JSON", under("\\\\u005F")),
        ("JSON before the key", format!("\"a\\u003d{key}\\u0026b\"")),
        ("JavaScript", under("\\x5f")),
        ("a code point", under("\\u{5f}")),
        ("Python", under("\\U0000005f")),
        ("octal", under("\\137")),
        ("a URL", under("%5F")),
        ("a URL in a URL", under("%255f")),
        ("a parameter of a URL", format!("?key%3D{key}&b=1")),
        ("HTML", under("&#95;")),
        ("HTML in hexadecimal", under("&#x5F;")),
        ("HTML with a name", under("&lowbar;")),
        ("HTML with line breaks", under("_<wbr>")),
        ("HTML with closed line breaks", under("_<wbr />")),
        ("characters without a width", under("_\u{200b}")),
        ("a soft hyphen", format!("{first}\u{ad}{second}")),
        ("a mail", format!("HH_API_KEY=3D{first}=\r\n{second}")),
        ("a mail with short lines", format!("{first}=\n{second}=\n")),
        (
            "the subject of a mail",
            format!("=?utf-8?Q?{}?=", under("=5F")),
        ),
        (
            "JSON with escapes only",
            escaped(key, |code| format!("\\u{code:04x}")),
        ),
        (
            "JavaScript with escapes only",
            escaped(key, |code| format!("\\x{code:02x}")),
        ),
        (
            "HTML with escapes only",
            escaped(key, |code| format!("&#{code};")),
        ),
        (
            "HTML with hexadecimal escapes only",
            escaped(key, |code| format!("&#x{code:x};")),
        ),
        (
            "a URL with escapes only",
            escaped(key, |code| format!("%{code:02X}")),
        ),
    ]
}

#[test]
fn keys_with_escapes_are_found() {
    let keys = [
        ("confirmed", minted(Level::Admin)),
        ("confirmed", minted(Level::ReadOnly)),
        ("confirmed", minted(Level::IngestOnly)),
        ("possible", POSSIBLE.to_owned()),
    ];
    for (confidence, key) in &keys {
        for (name, text) in terminal_texts(key).into_iter().chain(document_texts(key)) {
            let env = TestEnv::new();
            let text = format!("first\n{text}\n");
            let done = env.run_with_input(&["auth", "scan", "-", "--output", "json"], &text);
            let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
            let findings = report["findings"].as_array().unwrap();
            assert_eq!(findings.len(), 1, "{confidence} {name}");
            assert_eq!(findings[0]["confidence"], *confidence, "{name}");
            assert_eq!(findings[0]["line"], 2, "{name}");
            assert_eq!(findings[0]["key"], hh_auth::redact(key), "{name}");
            let secret = &key[key.len() - 12..];
            assert!(!format!("{done:?}").contains(secret), "{name}");
        }
    }
}

#[test]
fn text_with_escapes_that_is_no_key_is_not_reported() {
    let env = TestEnv::new();
    let letters = &POSSIBLE[3..];
    for text in [
        format!("hh\\n{letters}"),
        format!("hh_name\\n{letters}"),
        format!("hh_&amp;{letters}"),
        format!("hh_<b>{letters}"),
        format!("hh_={letters}"),
        format!("hh_\n{letters}"),
        format!("xhh\\_{letters}"),
        format!("\x1b[32mx{POSSIBLE}"),
        format!("\\x61{POSSIBLE}"),
        "hh\\_".repeat(50_000),
        "hh%5F&#x5f;\x1b[m".repeat(20_000),
        "o\n aGhfhoXoaF".repeat(20_000),
        format!("hh\x1b]8;;{}", "x".repeat(500_000)),
    ] {
        let done = env.run_with_input(&["auth", "scan", "-"], &text);
        assert_eq!(done.code, 0, "{:?} {done:?}", &text[..20]);
    }
}

#[test]
fn the_encoding_is_named() {
    let env = TestEnv::new();
    let wide: Vec<u8> = POSSIBLE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    env.write(
        "a",
        format!("powershell -EncodedCommand {}", STANDARD.encode(&wide)),
    );
    env.write("b", POSSIBLE.replace('_', "\\_"));
    env.write("c", &wide);
    env.write("d", STANDARD.encode(POSSIBLE));
    insta::assert_snapshot!(env.run(&["auth", "scan", "--quiet"]).stdout, @"
    a:1:28: possible project key hh_k7Qm2*** in base64 of UTF-16
    b:1:1: possible project key hh_k7Qm2*** in escaped text
    c:1:1: possible project key hh_k7Qm2*** in UTF-16
    d:1:1: possible project key hh_k7Qm2*** in base64
    ");
}

#[test]
fn base64_of_a_typed_key_may_have_several_lines() {
    let env = TestEnv::new();
    let key = minted(Level::IngestOnly);
    for width in [60, 64, 72, 76] {
        for (name, prefix) in [("secret.yaml", "    "), ("plain", ""), ("windows", "\r")] {
            let text = STANDARD.encode(format!("HH_API_KEY={key}\n"));
            let lines = text.as_bytes().chunks(width);
            let lines = lines.map(|line| format!("{prefix}{}\n", String::from_utf8_lossy(line)));
            let lines = match prefix {
                "\r" => lines
                    .map(|line| line.trim().to_owned() + "\r\n")
                    .collect::<String>(),
                _ => lines.collect(),
            };
            env.write(name, format!("data: |\n{lines}next: value\n"));
        }
        let report = env.json(&["auth", "scan"]);
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 3, "{width}");
        for finding in findings {
            assert_eq!(
                finding["confidence"], "confirmed",
                "{width} {}",
                finding["path"]
            );
            assert_eq!(finding["encoding"], "base64");
            assert_eq!(finding["line"], 2);
        }
    }
}
