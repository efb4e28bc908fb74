//! A key that a shell receives in plain text is safe to evaluate, for any content of the key.

use hh_testing::run;

use crate::completion::{in_shell, is_installed};
use crate::support::TestEnv;

/// A key may contain every character except white space, and a directory of another user may contain one.
const KEY: &str =
    r#"hh_1234567890abcdef1234567890abcdef';id>ran;'\'\\''$(id>ran)(id>ran)`id>ran`"\n!*~''\"#;

#[test]
fn no_shell_runs_any_part_of_a_revealed_key() {
    for (shell, arguments, script) in [
        (
            "bash",
            &["--norc", "--noprofile", "-c"][..],
            r#"eval "$(honeyhive auth env --shell bash --reveal)"; printf %s "$HH_API_KEY""#,
        ),
        (
            "zsh",
            &["-f", "-c"],
            r#"eval "$(honeyhive auth env --shell zsh --reveal)"; printf %s "$HH_API_KEY""#,
        ),
        (
            "zsh",
            &["-f", "-o", "RC_QUOTES", "-c"],
            r#"eval "$(honeyhive auth env --shell zsh --reveal)"; printf %s "$HH_API_KEY""#,
        ),
        (
            "fish",
            &["--no-config", "-c"],
            r#"eval (honeyhive auth env --shell fish --reveal); printf %s "$HH_API_KEY""#,
        ),
    ] {
        if !is_installed(shell) {
            continue;
        }
        let env = TestEnv::new();
        env.write("honeyhive.yaml", format!("api_key: {KEY}\n"));
        let mut shell = in_shell(&env, shell, &[arguments, &[script]].concat());
        let done = run(&mut shell);
        assert_eq!((done.code, &*done.stdout), (0, KEY), "{done:?}");
        assert!(!env.path("ran").exists(), "{shell:?}");
    }
}
