//! Conditions that select events.

use serde_json::json;

use super::{assert_fails, create, with_server};

#[test]
fn a_condition_selects_what_it_says() {
    let env = with_server();
    for cost in ["0.25", "0.5", "0.75", "1"] {
        let cost = format!("cost={cost}");
        create(
            &env,
            &["--type", "tool", "--name", "step", "--metadata", &cost],
        );
    }
    for (condition, expected) in [
        ("metadata.cost >= 0.5", json!([0.5, 0.75, 1])),
        ("metadata.cost>=1", json!([1])),
        ("metadata.cost <= 0.5", json!([0.25, 0.5])),
        (
            "metadata.cost is less than or equal to 0.75",
            json!([0.25, 0.5, 0.75]),
        ),
        ("metadata.cost is greater than 0.5", json!([0.75, 1])),
        ("metadata.cost == 0.5", json!([0.5])),
        ("metadata.cost <> 0.5", json!([0.25, 0.75, 1])),
    ] {
        let list = ["event", "list", "--name", "step", "--where", condition];
        let found = env.run_with(&list, &["--jq", "[.items[].metadata.cost] | sort"]);
        let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
        assert_eq!(found, expected, "{condition}");
    }
    for condition in ["event_name = 'step'", "event_name = \"step\""] {
        let found = env.items(&["event", "list", "--where", condition]);
        assert_eq!(found.as_array().unwrap().len(), 4, "{condition}");
    }
}

#[test]
fn a_condition_that_would_match_nothing_is_an_error_or_gets_a_note() {
    let env = with_server();
    create(&env, &["--type", "tool", "--name", "step"]);
    for (condition, message) in [
        (
            "metadata.cost => 0.5",
            "unknown operator =>, did you mean >=?",
        ),
        (
            "metadata.cost =< 0.5",
            "unknown operator =<, did you mean <=?",
        ),
        (
            "source = a and metadata.cost > 1",
            "expected one condition, but found and",
        ),
        ("event_name >= step", "expected a number after >= or <="),
        ("event_name like step", "expected FIELD OPERATOR VALUE"),
    ] {
        let done = env.run(&["event", "list", "--where", condition]);
        assert_fails(&done, 2, message);
        assert!(
            done.stderr
                .contains("hint: the operators are =, !=, >, >=, <, <=, contains"),
            "{done:?}"
        );
    }
    for options in [["--name", "st*"], ["--where", "event_name = st*"]] {
        let done = env.run_with(&["event", "list"], &options);
        assert!(
            done.stderr.contains("note: * is not a wildcard"),
            "{done:?}"
        );
    }
    let done = env.run(&["event", "list", "--where", "event_name contains st*"]);
    assert!(!done.stderr.contains("wildcard"), "{done:?}");
}
