//! Tests properties of `.env` files; the tables in `tests/cases/dotenv` test their grammar.

use std::fmt::Write as _;

use hh_config::{Env, LoadErrorKind, LoadOptions, Stack, names};
use proptest::prelude::*;
use tempfile::TempDir;

fn load(dir: &TempDir, bytes: impl AsRef<[u8]>) -> Stack {
    let path = dir.path().join("a.env");
    hh_testing::write(&path, bytes);
    let env = Env::from_pairs([("HH_ENV_FILE", path.display().to_string())]);
    Stack::load(&env, LoadOptions::new())
}

fn text(stack: &Stack, name: hh_config::SettingName) -> Option<(String, String)> {
    let found = stack.text(name).unwrap()?;
    let label = found.provenance.label();
    let place = label.rsplit('/').next().unwrap_or_default();
    Some((found.value, place.to_owned()))
}

/// A line of another program. Its value opens no quote that a later line could close.
fn foreign_line() -> impl Strategy<Value = String> {
    let name = "[A-Za-z.\\-\\[\\] $\"'{}(#]{0,12}";
    let value = prop_oneof![
        "[^\"'\n]\\PC{0,30}",
        "\"[^\"'\n]{0,20}\"",
        "'[^\"'\n]{0,20}'[^\n]{0,5}"
    ];
    let line = (name, "[=: ]?", value).prop_map(|(name, sign, value)| name + &sign + &value);
    let is_foreign = |line: &String| {
        let opens = line
            .split(['=', ':'])
            .nth(1)
            .unwrap_or_default()
            .trim_start();
        let is_closed = !opens.starts_with(['"', '\'']) || opens.matches(['"', '\'']).count() == 2;
        is_closed && !line.contains('\n') && !line.contains("HH") && !line.contains("HONEY")
    };
    line.prop_filter("a line of another program", is_foreign)
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        drop(load(&dir, bytes).problems());
    }

    #[test]
    fn lines_of_syntax_are_read_without_a_panic(text in "(HH_SOURCE|X|export|=|:|\"|'|\\\\|#|\\$| |\t|\r|\n|a|é){0,60}") {
        let dir = tempfile::tempdir().unwrap();
        let stack = load(&dir, text);
        prop_assert!(stack.problems().iter().all(|problem| problem.hint().is_none() || problem.kind() == LoadErrorKind::Conflict));
    }

    #[test]
    fn lines_of_other_programs_never_change_a_setting(
        before in proptest::collection::vec(foreign_line(), 0..5),
        after in proptest::collection::vec(foreign_line(), 0..5),
        last in prop_oneof!["", "[A-Z]{1,5}=\"[^\"\n]{0,20}", "[A-Z]{1,5}: '[^'\n]{0,20}"],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut file = String::new();
        for line in &before {
            writeln!(file, "{line}").unwrap();
        }
        file += "HH_PROJECT=docs\nHH_SESSION_NAME=\"a\nb\"\n";
        for line in &after {
            writeln!(file, "{line}").unwrap();
        }
        prop_assume!(!last.starts_with("HH"));
        // A quote that is never closed does not hide the rest of the file.
        writeln!(file, "{last}\nHH_SOURCE=dev").unwrap();
        let stack = load(&dir, &file);
        let problems = stack.problems();
        prop_assert!(problems.is_empty(), "{:?} in {:?}", problems, file);
        let line = before.len();
        prop_assert_eq!(text(&stack, names::PROJECT), Some(("docs".to_owned(), format!("a.env:{}:12", line + 1))));
        prop_assert_eq!(text(&stack, names::SESSION_NAME), Some(("a\nb".to_owned(), format!("a.env:{}:17", line + 2))));
        let line = line + after.len() + 5;
        prop_assert_eq!(text(&stack, names::SOURCE), Some(("dev".to_owned(), format!("a.env:{line}:11"))));
    }
}

#[test]
fn only_our_values_must_be_utf_8() {
    let dir = tempfile::tempdir().unwrap();
    let stack = load(&dir, b"# caf\xe9\nNAME=caf\xe9\nHH_PROJECT=docs\n");
    assert_eq!(text(&stack, names::PROJECT).unwrap().1, "a.env:3:12");
    assert!(stack.problems().is_empty());
    let stack = load(&dir, b"NAME=x\nHH_PROJECT=caf\xe9\n");
    let problem = &stack.problems()[0];
    let place = format!("{}/a.env:2: ", dir.path().display());
    let message = problem.message().strip_prefix(&place).unwrap();
    assert_eq!(message, "the value of HH_PROJECT is not UTF-8 text");
}

#[test]
fn a_file_with_many_quotes_is_read_once() {
    // A search for the closing quote from each line to the end of the file would take minutes.
    let dir = tempfile::tempdir().unwrap();
    for line in [
        "A=\"x\n",
        "A='\n",
        "A='\"\n",
        "HH_SOURCE=\"x\n",
        "A=\"\\\"\n",
    ] {
        drop(load(&dir, line.repeat(1024 * 1024 / line.len())).problems());
    }
}
