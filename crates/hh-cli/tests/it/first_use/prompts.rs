//! Prompts on a terminal: no echo of a key, also after the program was stopped, and the confirmation of a logout.

use crate::support::{STORE, Terminal, TestEnv};

fn with_server() -> (TestEnv, String) {
    let mut env = TestEnv::with_server();
    env.set("PATH", "/usr/bin:/bin");
    let key = env.read("admin.key").trim().to_owned();
    (env, key)
}

#[test]
fn a_key_for_standard_input_is_not_echoed_on_a_terminal() {
    let (env, key) = with_server();
    let mut terminal = Terminal::of(
        &env,
        &["auth", "login", "--api-key-stdin", "--storage", "file"],
    );
    terminal.read_until("API key for ");
    terminal.type_line(&key);
    let shown = terminal.read_to_end();
    assert!(shown.contains("Logged in to"), "{shown}");
    assert!(!shown.contains(&key), "the key was echoed");
}

#[test]
fn a_stopped_prompt_restores_the_echo_and_disables_it_again() {
    let (env, key) = with_server();
    // The shell has job control and does not change the terminal itself.
    let script =
        "set -m; honeyhive auth login --storage file; echo stopped; stty -a; echo continue; fg";
    let mut terminal = Terminal::of_script(&env, script);
    terminal.read_until("API key for ");
    terminal.type_text("\x1a");
    terminal.read_until("stopped");
    terminal.read_until("continue");
    terminal.read_until("API key for ");
    terminal.type_line(&key);
    let shown = terminal.read_to_end();
    let (_, stopped) = shown.split_once("stopped").unwrap();
    let (stopped, continued) = stopped.split_once("continue").unwrap();
    assert!(
        stopped.contains(" echo ") && stopped.contains(" icanon "),
        "{stopped}"
    );
    assert!(continued.contains("Logged in to"), "{continued}");
    assert!(!shown.contains(&key), "the key was echoed");
    assert!(env.read(STORE).contains(&key));
}

#[test]
fn a_logout_asks_on_a_terminal_before_it_removes_the_only_copy_of_an_admin_key() {
    let (env, key) = with_server();
    let login = ["auth", "login", "--storage", "file", "--api-key-stdin"];
    assert_eq!(env.run_with_input(&login, &key).code, 0);
    for (answer, is_removed) in [("n", false), ("", false), ("maybe", false), ("YES", true)] {
        let mut terminal = Terminal::of_script(&env, "honeyhive auth logout || echo kept");
        terminal.read_until("Remove it anyway? [y/N] ");
        terminal.type_line(answer);
        let shown = terminal.read_to_end();
        assert_eq!(
            !env.read(STORE).contains(&key),
            is_removed,
            "{answer}: {shown}"
        );
        assert_eq!(
            shown.contains("canceled; nothing was changed"),
            !is_removed,
            "{shown}"
        );
    }
}
