//! What differs between a terminal and a pipe: times, ids, the pager, colors and the prompt.

use std::path::Path;

use serde_json::Value;

use crate::support::{STORE, Terminal, TestEnv};

const OTHER_KEY: &str = "hh_abcdef1234567890abcdef1234567890";
/// The beginning of an escape sequence for a color.
const COLOR: &str = "\x1b[";

/// Returns the output of a command on a terminal of this size, with `\n` as the line break.
fn on_terminal(env: &TestEnv, rows: u16, columns: u16, command: &str) -> String {
    let script = format!("stty rows {rows} cols {columns}; {command}");
    let shown = Terminal::of_script(env, &script).read_to_end();
    shown.replace("\r\n", "\n")
}

/// Returns an environment with a server, the admin key, the programs of the system and the time zone UTC.
fn with_server() -> TestEnv {
    let mut env = TestEnv::with_server();
    env.set("TZ", "UTC");
    env.be_admin();
    env.set("PATH", "/usr/bin:/bin");
    env
}

/// Returns the id and the creation time of the only key, in UTC and without the fraction of the second.
fn key(env: &TestEnv) -> (String, String) {
    let keys = env.items(&["auth", "keys", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut created = text(&keys[0]["created_at"]);
    created.truncate("2026-11-30T09:46:35".len());
    (text(&keys[0]["id"]), created)
}

#[test]
fn a_terminal_shows_relative_times_and_short_ids_that_commands_accept() {
    let env = with_server();
    let (id, created) = key(&env);
    let shown = on_terminal(&env, 40, 200, "honeyhive auth keys list");
    let row = shown.lines().nth(1).unwrap();
    let short = row.split(' ').next().unwrap();
    assert!(short.len() == 8 && id.starts_with(short), "{shown}");
    assert!(row.contains("s ago"), "{shown}");
    assert!(!row.contains(&created[..10]), "{shown}");
    let found = env.json(&["auth", "keys", "show", short]);
    assert_eq!(found["id"], id.as_str());

    let piped = env.run(&["auth", "keys", "list"]).stdout;
    assert!(piped.contains(&id) && piped.contains(&created), "{piped}");
    assert!(!piped.contains(" ago"), "{piped}");
}

#[test]
fn utc_prints_absolute_times_everywhere() {
    let mut env = with_server();
    env.set("TZ", "<+03>-3");
    let (_, created) = key(&env);
    let shown = on_terminal(&env, 40, 200, "honeyhive auth keys list --utc");
    assert!(shown.contains(&created), "{shown}");
    assert!(!shown.contains(" ago"), "{shown}");
    let piped = env.run(&["auth", "keys", "list", "--utc"]).stdout;
    assert!(piped.contains(&created), "{piped}");
    // Without the option, the time zone is used.
    let piped = env.run(&["auth", "keys", "list"]).stdout;
    assert!(piped.contains("+03:00"), "{piped}");
}

#[test]
fn a_pipe_gets_times_in_the_time_zone_of_tz() {
    if !Path::new("/usr/share/zoneinfo/Asia/Tokyo").exists() {
        println!("skipped: there is no time zone database");
        return;
    }
    let mut env = with_server();
    env.set("TZ", "Asia/Tokyo");
    let (_, created) = key(&env);
    let piped = env.run(&["auth", "keys", "list"]).stdout;
    // Minutes and seconds are the same in both zones.
    let minutes = &created["2026-11-30T09".len()..];
    let is_time = |word: &str| word.contains(minutes) && word.ends_with("+09:00");
    assert!(piped.split(' ').any(is_time), "{created}: {piped}");
    assert!(!piped.contains(&created), "{piped}");
    // Programs get the times of the server.
    let json = env.run(&["auth", "keys", "list", "-o", "json"]).stdout;
    assert!(json.contains(&created), "{json}");
}

#[test]
fn the_pager_is_used_only_for_long_output_on_a_terminal() {
    let mut env = TestEnv::new();
    env.set("PATH", "/usr/bin:/bin");
    env.write("pager.sh", "echo paged > paged\ncat\n");
    env.set("PAGER", "sh pager.sh");
    let is_paged = |output: &str| {
        assert!(output.contains("api_key"), "{output}");
        let is_paged = env.path("paged").exists();
        std::fs::remove_file(env.path("paged")).ok();
        is_paged
    };
    let list = "honeyhive config list";
    let whole = on_terminal(&env, 10, 80, list);
    assert!(whole.lines().count() > 10, "{whole}");
    assert!(is_paged(&whole));
    assert!(!is_paged(&on_terminal(&env, 500, 80, list)));
    assert!(!is_paged(&env.run(&["config", "list"]).stdout));
    assert!(!is_paged(&on_terminal(
        &env,
        10,
        80,
        &format!("{list} | cat")
    )));
    // No format for programs is paged.
    assert!(!is_paged(&on_terminal(
        &env,
        10,
        80,
        &format!("{list} -o json")
    )));
    for off in ["PAGER=", "PAGER=cat"] {
        assert!(!is_paged(&on_terminal(
            &env,
            10,
            80,
            &format!("export {off}; {list}")
        )));
    }
    // Without its program, and with one that is not executable.
    for broken in ["PAGER=missing-pager", "PAGER=./pager.sh"] {
        let shown = on_terminal(&env, 10, 80, &format!("export {broken}; {list}"));
        assert!(shown.lines().count() > whole.lines().count(), "{shown}");
        assert!(!is_paged(&shown));
    }
}

#[test]
fn colors_follow_the_terminal_the_variables_and_the_option() {
    let mut env = TestEnv::new();
    env.set("PATH", "/usr/bin:/bin");
    env.set("TERM", "xterm");
    // The error of this command has a colored label.
    let command = "honeyhive project list";
    for (setup, options, is_colored) in [
        ("", "", true),
        ("export NO_COLOR=1;", "", false),
        ("export CLICOLOR=0;", "", false),
        ("export TERM=dumb;", "", false),
        ("", "--color never", false),
        ("", "--no-color", false),
        ("export NO_COLOR=1;", "--color always", true),
    ] {
        let script = format!("{setup} {command} {options} || true");
        let shown = on_terminal(&env, 40, 80, &script);
        assert!(shown.contains("no API key was found"), "{shown}");
        assert_eq!(shown.contains(COLOR), is_colored, "{script}: {shown}");
    }
    for (variable, options, is_colored) in [
        (None, &[][..], false),
        (Some(("CLICOLOR_FORCE", "1")), &[], true),
        (Some(("CLICOLOR_FORCE", "1")), &["--color", "never"], false),
        (None, &["--color", "always"], true),
    ] {
        let mut piped = env.command(&["project", "list"]);
        let done = piped.args(options).envs(variable).output().unwrap();
        let shown = String::from_utf8(done.stderr).unwrap();
        assert!(shown.contains("no API key was found"), "{shown}");
        assert_eq!(
            shown.contains(COLOR),
            is_colored,
            "{variable:?} {options:?}: {shown}"
        );
    }
}

#[test]
fn an_interrupt_of_the_prompt_exits_with_130_and_restores_the_echo() {
    // Ctrl-C, and Ctrl-\, which sends SIGQUIT.
    for control in ["\x03", "\x1c"] {
        let mut env = TestEnv::new();
        env.set("PATH", "/usr/bin:/bin");
        // The shell survives the signals, which all processes of the terminal get.
        let script = "trap : INT QUIT; honeyhive auth login; echo exit code $?; stty -a";
        let mut terminal = Terminal::of_script(&env, script);
        terminal.read_until("API key for ");
        terminal.type_text(control);
        let shown = terminal.read_to_end();
        assert!(shown.contains("interrupted"), "{shown}");
        assert!(shown.contains("exit code 130"), "{shown}");
        assert!(
            shown.contains(" echo ") && shown.contains(" icanon "),
            "{shown}"
        );
        assert!(!env.path(STORE).exists());
    }
}

#[test]
fn text_typed_before_the_prompt_is_not_the_key() {
    let mut env = TestEnv::with_server();
    env.set("PATH", "/usr/bin:/bin");
    let key = env.read("admin.key").trim().to_owned();
    // The first line starts the program. The second one waits in the terminal meanwhile.
    let script = "read go; honeyhive auth login --storage file";
    let mut terminal = Terminal::of_script(&env, script);
    terminal.type_text(&format!("go\n{OTHER_KEY}\n"));
    terminal.read_until("API key for ");
    terminal.type_line(&key);
    let shown = terminal.read_to_end();
    assert!(shown.contains("Logged in to"), "{shown}");
    assert!(env.read(STORE).contains(&key));
}
