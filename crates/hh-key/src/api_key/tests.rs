use std::fmt::Write as _;

use super::*;
use proptest::prelude::*;

const TAIL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[test]
fn the_samples_of_the_documents_are_keys() {
    for sample in [
        "hh_1234567890abcdef1234567890abcdef",
        "hh_mock_key",
        "hh_dev_1234567890abcdef",
        " hh_your_api_key_here\n",
    ] {
        assert!(ApiKey::parse(sample).is_ok(), "{sample}");
    }
    let usual = ApiKey::parse("hh_1234567890abcdef1234567890abcdef").unwrap();
    assert_eq!(usual.warning(), None);
    assert_eq!(
        ApiKey::parse("hh_mock").unwrap().warning(),
        Some(KeyWarning::Short)
    );
    assert_eq!(
        ApiKey::parse("hh_mock_key").unwrap().warning(),
        Some(KeyWarning::NotAlphanumeric)
    );
}

#[test]
fn errors_explain_the_problem_without_the_text() {
    let message = |text: &str| {
        let error = ApiKey::parse(text).unwrap_err();
        format!("{error}; {}", error.hint())
    };
    insta::assert_snapshot!(message("  "), @"is empty; copy the key again");
    insta::assert_snapshot!(message("sk-canary"), @"begins with sk-, so it is a key of another service; use a HoneyHive API key, which begins with hh_");
    insta::assert_snapshot!(message("hh_abc def"), @"contains an invalid character at position 7; copy the key again");
    insta::assert_snapshot!(message(&format!("hh_{}", "a".repeat(600))), @"is longer than 512 characters; copy the key again");
    insta::assert_snapshot!(message("hh_ingst_abc"), @"begins with hh_ingst_ but is not a complete key of that kind; copy the key again");
    insta::assert_snapshot!(message("hh_ws_abcdefgh"), @"is a key of the workspace kind, which the API does not accept; use a project key");
}

#[test]
fn a_byte_order_mark_around_a_key_is_ignored() {
    let key = ApiKey::parse("\u{feff} hh_1234567890abcdef1234567890abcdef\r\n").unwrap();
    assert_eq!(key.text(), "hh_1234567890abcdef1234567890abcdef");
    assert_eq!(ApiKey::parse("\u{feff}\n").unwrap_err(), KeyError::Empty);
    // Elsewhere it is an invalid character.
    let inner = ApiKey::parse("hh_1234567890\u{feff}abcdef").unwrap_err();
    assert_eq!(inner, KeyError::Character { position: 14 });
}

#[test]
fn text_around_a_key_is_named() {
    let key = "hh_canarycanarycanarycanarycanary00";
    let mut all = String::new();
    for text in [
        format!("\"{key}\""),
        format!("'{key}'"),
        format!("`{key}`"),
        format!("\u{201c}{key}\u{201d}"),
        format!("\u{201e}{key}\u{201c}"),
        format!("\u{ab}{key}\u{bb}"),
        format!("\"{key}"),
        format!("{key}'"),
        format!("\"Bearer {key}\""),
        format!("Bearer {key}"),
        format!("bearer  {key}"),
        format!("Authorization: Bearer {key}"),
        format!("authorization:{key}"),
        format!("X-API-Key: {key}"),
        format!("HH_API_KEY={key}"),
        format!("HH_API_KEY=\"{key}\""),
        format!("HH_API_KEY: {key}"),
        format!("export HH_API_KEY={key}"),
        format!("set HH_API_KEY={key}"),
        format!("HONEYHIVE_API_KEY={key}"),
        format!("MY_KEY={key}"),
        format!("api_key: {key}"),
        format!("$env:HH_API_KEY=\"{key}\""),
    ] {
        let error = ApiKey::parse(&text).unwrap_err();
        let text = text.replace(key, "KEY");
        writeln!(all, "{text}: {error}; {}", error.hint()).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    "KEY": is in double quotes; remove the quotes
    'KEY': is in single quotes; remove the quotes
    `KEY`: is in backquotes; remove the quotes
    “KEY”: is in typographic quotes; remove the quotes
    „KEY“: is in typographic quotes; remove the quotes
    «KEY»: is in typographic quotes; remove the quotes
    "KEY: is in double quotes; remove the quotes
    KEY': is in single quotes; remove the quotes
    "Bearer KEY": is in double quotes; remove the quotes
    Bearer KEY: begins with "Bearer"; use only the key itself, which begins with hh_
    bearer  KEY: begins with "Bearer"; use only the key itself, which begins with hh_
    Authorization: Bearer KEY: begins with "Authorization:"; use only the key itself, which begins with hh_
    authorization:KEY: begins with "Authorization:"; use only the key itself, which begins with hh_
    X-API-Key: KEY: begins with "X-API-Key:"; use only the key itself, which begins with hh_
    HH_API_KEY=KEY: begins with "HH_API_KEY="; use only the key itself, which begins with hh_
    HH_API_KEY="KEY": begins with "HH_API_KEY="; use only the key itself, which begins with hh_
    HH_API_KEY: KEY: begins with "HH_API_KEY:"; use only the key itself, which begins with hh_
    export HH_API_KEY=KEY: begins with "export"; use only the key itself, which begins with hh_
    set HH_API_KEY=KEY: begins with "set"; use only the key itself, which begins with hh_
    HONEYHIVE_API_KEY=KEY: begins with "HONEYHIVE_API_KEY="; use only the key itself, which begins with hh_
    MY_KEY=KEY: begins with the name of a variable or header; use only the key itself, which begins with hh_
    api_key: KEY: begins with the name of a variable or header; use only the key itself, which begins with hh_
    $env:HH_API_KEY="KEY": begins with the name of a variable or header; use only the key itself, which begins with hh_
    "#);
    // Without a key, the text itself is not what the user meant.
    for text in ["Bearer", "Bearer xyz", "\"\"", "HH_API_KEY=", "NAME=value"] {
        let error = ApiKey::parse(text).unwrap_err();
        assert!(
            matches!(error, KeyError::Prefix | KeyError::Character { .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn redacted_forms_of_keys() {
    let id = "a".repeat(24);
    insta::assert_snapshot!(redact("hh_1234567890abcdef1234567890abcdef"), @"hh_12345***");
    insta::assert_snapshot!(redact("hh_ro_34567890abcdef1234567890abcdef"), @"hh_ro_34***");
    insta::assert_snapshot!(redact("hh_mock_key"), @"hh_***");
    insta::assert_snapshot!(redact(&format!("hh_ingst_{id}_{TAIL}")), @"hh_ingst_aaaaaaaaaaaaaaaaaaaaaaaa_***");
    insta::assert_snapshot!(redact("sk-proj-something-long-and-secret"), @"***");
}

#[test]
fn debug_shows_the_mask_only() {
    let text = "hh_canarycanarycanarycanarycanary00";
    let key = ApiKey::parse(text).unwrap();
    assert!(
        key.text().contains("canarycanary"),
        "the key contains the secret"
    );
    assert_eq!(format!("{key:?}"), "ApiKey(hh_canar***)");
}

proptest! {
    #[test]
    fn parsing_any_text_neither_panics_nor_repeats_it(text in "\\PC{0,80}") {
        if let Err(error) = ApiKey::parse(&text) {
            prop_assert!(text.trim().len() < 12 || !error.to_string().contains(text.trim()));
        }
    }

    #[test]
    fn redaction_shows_at_most_8_characters_of_an_untyped_key(tail in "[A-Za-z0-9]{1,60}") {
        let shown = redact(&format!("hh_{tail}"));
        prop_assert!(shown.trim_end_matches('*').len() <= 8);
    }
}
