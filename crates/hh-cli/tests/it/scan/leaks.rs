//! No finding contains the key that it reports.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hh_auth::Level;

use super::{POSSIBLE, commit, git, minted, with_repository};
use crate::support::RunOutput;

const FORMS: [&[&str]; 8] = [
    &[],
    &["--output", "json"],
    &["--sarif"],
    &["--verbose"],
    &["--debug"],
    &["--debug", "--verbose", "--output", "json"],
    &["--debug", "--verbose", "--sarif"],
    &["--quiet"],
];

// Feature S41.
#[test]
fn no_output_format_contains_a_key() {
    let mut env = with_repository();
    env.set("HH_LOG_LEVEL", "trace");
    let keys = [
        minted(Level::Admin),
        minted(Level::ReadOnly),
        minted(Level::IngestOnly),
        POSSIBLE.to_owned(),
    ];
    for (index, key) in keys.iter().enumerate() {
        let text = format!(
            "{key}\n{}\n{}\n",
            STANDARD.encode(key),
            STANDARD.encode(format!("a{key}"))
        );
        assert!(text.contains(key), "the file does not contain the key");
        // The names of the file and of a directory contain the key too.
        env.write(&format!("{key}/{index}-{key}.txt"), text);
    }
    let literal = "a-literal-that-is-a-secret-too";
    env.write(
        "Dockerfile",
        format!(
            "ENV HH_API_KEY={literal}\nARG HONEYHIVE_API_KEY={}\n",
            keys[0]
        ),
    );
    git(&env, &["add", "--all"]);
    let assert_hidden = |done: &RunOutput, what: &str| {
        assert_eq!(done.code, 1, "{what}: {done:?}");
        let all = format!("{}{}", done.stdout, done.stderr);
        // Output contains only the beginning of a key; the id of an ingestion key is public.
        let begin = |key: &str| if key.starts_with("hh_ingst_") { 34 } else { 8 };
        for key in &keys {
            let (_, secret) = key.split_at(begin(key));
            let encoded = [STANDARD.encode(key), STANDARD.encode(format!("a{key}"))];
            let ends = encoded
                .iter()
                .map(|text| &text[text.len() - 24..text.len() - 4]);
            for part in [&secret[..12], &secret[secret.len() - 12..]]
                .into_iter()
                .chain(ends)
            {
                assert!(!all.contains(part), "{what}: {done:?}");
            }
        }
        assert!(!all.contains(literal), "{what}: {done:?}");
    };
    for form in FORMS {
        assert_hidden(&env.run_with(&["auth", "scan"], form), &format!("{form:?}"));
        assert_hidden(
            &env.run_with(&["auth", "scan", "--staged"], form),
            &format!("staged {form:?}"),
        );
    }
    commit(&env);
    for form in FORMS {
        assert_hidden(
            &env.run_with(&["auth", "scan", "--history"], form),
            &format!("history {form:?}"),
        );
    }
}
