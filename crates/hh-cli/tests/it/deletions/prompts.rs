//! Confirmations of deletions on a terminal.

use std::sync::mpsc;

use serde_json::json;

use super::{CHAT, COMMANDS, SESSION, at, count, deleted, with_session};
use crate::support::{Loopback, Terminal, TestEnv};

fn with_terminal(mut env: TestEnv) -> TestEnv {
    env.set("PATH", "/usr/bin:/bin");
    env
}

/// Runs a command on a terminal, answers its question, and returns the output. A failure prints `failed` and its code.
fn answer(env: &TestEnv, command: &[&str], question: &str, answer: &str) -> String {
    let script = format!("honeyhive {} || echo failed $?", command.join(" "));
    let mut terminal = Terminal::of_script(env, &script);
    terminal.read_until(question);
    terminal.type_line(answer);
    terminal.read_to_end()
}

#[test]
fn the_confirmation_names_what_is_deleted() {
    let env = with_terminal(with_session());
    let questions = [
        format!("Delete event {CHAT}? This cannot be undone. [y/N] "),
        format!("Delete session {SESSION} with 2 events? This cannot be undone. [y/N] "),
        "Delete 0 sessions and 1 event of project default with user property user_id=u1? This cannot be undone. [y/N] "
            .to_owned(),
        "Delete project default with 1 session and 2 events? This cannot be undone. Type default to confirm: "
            .to_owned(),
    ];
    for (command, question) in COMMANDS.iter().zip(&questions) {
        for no in ["n", "", "maybe"] {
            let shown = answer(&env, command, question, no);
            assert!(
                shown.contains("error: canceled; nothing was changed"),
                "{shown}"
            );
            assert!(shown.contains("failed 1"), "{shown}");
        }
    }
    // The name of the project is required.
    let shown = answer(&env, COMMANDS[3], &questions[3], "y");
    assert!(shown.contains("canceled"), "{shown}");
    assert_eq!(count(&env), 3);

    let shown = answer(&env, COMMANDS[0], &questions[0], "y");
    assert!(shown.contains(&format!("Deleted event {CHAT}")), "{shown}");
    assert_eq!(count(&env), 2);
    let question = format!("Delete session {SESSION} with 1 event? ");
    let shown = answer(&env, COMMANDS[1], &question, "YES");
    assert!(
        shown.contains(&format!("Deleted session {SESSION} with 1 event")),
        "{shown}"
    );
    assert_eq!(count(&env), 0);
    let shown = answer(&env, COMMANDS[3], "Type default to confirm: ", "default");
    assert!(shown.contains("Deleted project default"), "{shown}");
    assert_eq!(env.items(&["project", "list"]), json!([]));
}

#[test]
fn an_unknown_id_is_reported_before_the_question() {
    let env = with_terminal(with_session());
    let script = format!("honeyhive session delete {CHAT} || echo failed $?");
    let shown = Terminal::of_script(&env, &script).read_to_end();
    assert!(
        shown.contains("was not found") && shown.contains("failed 4"),
        "{shown}"
    );
    assert!(!shown.contains("[y/N]"), "{shown}");
}

#[test]
fn ctrl_c_at_the_question_deletes_nothing() {
    let env = with_terminal(with_session());
    let script = format!("trap : INT; honeyhive session delete {SESSION}; echo code $?");
    let mut terminal = Terminal::of_script(&env, &script);
    terminal.read_until("[y/N] ");
    terminal.type_text("\x03");
    let shown = terminal.read_to_end();
    assert!(
        shown.contains("interrupted; nothing was changed"),
        "{shown}"
    );
    assert!(shown.contains("code 130"), "{shown}");
    assert_eq!(count(&env), 3);
}

/// A line that was typed while the program counted the data would confirm a question that the user has not read.
#[test]
fn text_that_was_typed_before_the_question_is_no_answer() {
    let (asked, is_asked) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let data = json!({"sessions": 1, "events": 9, "dry_run": true});
    let server = Loopback::with(move |request| {
        if request.path().starts_with("/v1/sessions") {
            asked.send(()).ok();
            is_released.recv().ok();
        }
        deleted(request, &data)
    });
    let env = with_terminal(at(&server));
    let script = format!("honeyhive session delete {SESSION} || echo failed $?");
    let mut terminal = Terminal::of_script(&env, &script);
    is_asked.recv().unwrap();
    terminal.type_line("yes");
    // The terminal has the line, because it echoes it.
    terminal.read_until("yes\r\n");
    release.send(()).unwrap();
    terminal.read_until("[y/N] ");
    terminal.type_line("no");
    let shown = terminal.read_to_end();
    assert!(shown.contains("canceled"), "{shown}");
    drop(release);
    let requests = server.requests();
    let sent = requests
        .iter()
        .filter(|request| request.path().starts_with("/v1/sessions"));
    assert_eq!(sent.count(), 1);
}
