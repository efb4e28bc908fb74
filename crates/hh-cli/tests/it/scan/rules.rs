//! The rules for other scanners find the same keys. Neither scanner is installed, so the tests read the rules and run
//! their expressions.

use std::collections::HashMap;

use regex::Regex;
use serde_json::Value;

use super::planted::keys;
use super::{POSSIBLE, checkout};

/// The rule of one scanner.
#[derive(Debug, PartialEq)]
struct Rule {
    regex: String,
    exclude: String,
    entropy: f64,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(checkout().join("docs/rules").join(name)).unwrap()
}

fn gitleaks() -> Rule {
    let file: Value = toml::from_str(&page("gitleaks.toml")).unwrap();
    let rule = &file["rules"][0];
    assert_eq!(rule["secretGroup"], 1);
    assert_eq!(rule["keywords"][0], "hh_");
    Rule {
        regex: text(&rule["regex"]),
        exclude: text(&rule["allowlists"][0]["regexes"][0]),
        entropy: rule["entropy"].as_f64().unwrap(),
    }
}

fn trufflehog() -> Rule {
    let file: Value = serde_saphyr::from_str(&page("trufflehog.yaml")).unwrap();
    let detector = &file["detectors"][0];
    assert_eq!(detector["keywords"][0], "hh_");
    Rule {
        regex: text(&detector["regex"]["key"]),
        exclude: text(&detector["exclude_regexes_capture"][0]),
        entropy: detector["entropy"].as_f64().unwrap(),
    }
}

/// Returns the Shannon entropy in bits per character, as both scanners compute it.
fn entropy(text: &str) -> f64 {
    let mut counts: HashMap<char, f64> = HashMap::new();
    for letter in text.chars() {
        *counts.entry(letter).or_default() += 1.0;
    }
    let total: f64 = counts.values().sum();
    -counts
        .values()
        .map(|count| count / total * (count / total).log2())
        .sum::<f64>()
}

#[test]
fn the_rules_find_keys_and_no_placeholders() {
    assert_eq!(gitleaks(), trufflehog());
    let rule = gitleaks();
    let (regex, exclude) = (
        Regex::new(&rule.regex).unwrap(),
        Regex::new(&rule.exclude).unwrap(),
    );
    let found = |text: &str| {
        let key = regex.captures(text)?.get(1)?.as_str().to_owned();
        (entropy(&key) >= rule.entropy && !exclude.is_match(&key)).then_some(key)
    };
    for key in keys().take(1_000).chain([POSSIBLE.to_owned()]) {
        for text in [
            format!("HH_API_KEY={key}"),
            format!("key: '{key}' # x"),
            key.clone(),
        ] {
            assert_eq!(found(&text).as_ref(), Some(&key));
        }
    }
    for sample in [
        "hh_your_api_key",
        "hh_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "hh_1234567890abcdef1234567890abcdef",
        "hh_canarycanarycanarycanarycanary00",
        "hh_AbCdEfGhIjKlMnOpQrStUvWxYz01234567",
        "hh_000000000000000000000000000000000000000",
    ] {
        assert_eq!(found(sample), None, "{sample}");
    }
}
