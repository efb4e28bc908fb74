//! Help pages: each lists its own options, and that of `honeyhive` the global ones.

use crate::support::TestEnv;

/// The last line of every page except that of `honeyhive`.
const LAST: &str = "Global options: see `honeyhive --help`";

/// Returns every command and group below a command, as argument lists.
fn below(command: &clap::Command, path: &[String]) -> Vec<Vec<String>> {
    let commands = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help");
    commands
        .flat_map(|command| {
            let path = [path, &[command.get_name().to_owned()]].concat();
            let mut all = below(command, &path);
            all.push(path);
            all
        })
        .collect()
}

/// Returns whether a page has a line for an option.
fn lists(help: &str, option: &str) -> bool {
    help.lines().any(|line| {
        let line = line.trim_start();
        let is_short = line.starts_with('-') && !line.starts_with("--");
        let long = if is_short {
            line.split_once(", ").map_or("", |(_, long)| long)
        } else {
            line
        };
        long.split([' ', '=']).next() == Some(option)
    })
}

/// A command that is wrapped after `>` is a syntax error when it is pasted.
#[test]
fn the_commands_that_install_completions_fit_into_80_columns() {
    let mut env = TestEnv::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let mut commands = |columns: &str| {
            env.set("COLUMNS", columns);
            let help = env.run(&["completion", shell, "--help"]).stdout;
            let lines = help.lines().filter(|line| line.starts_with("    "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let whole = commands("100");
        assert!(!whole.is_empty(), "{shell}");
        assert_eq!(commands("80"), whole, "{shell}");
    }
}

#[test]
fn only_the_top_level_help_lists_global_options_and_every_command_accepts_them() {
    let env = TestEnv::new();
    let mut command = hh_cli::command();
    command.build();
    let options = command
        .get_arguments()
        .filter_map(|option| option.get_long());
    let global: Vec<_> = options
        .filter(|name| !["help", "version"].contains(name))
        .map(|name| format!("--{name}"))
        .collect();
    assert!(global.contains(&"--base-url".to_owned()), "{global:?}");
    let help = env.run(&["--help"]).stdout;
    for option in &global {
        assert!(lists(&help, option), "{option}");
    }
    assert!(!help.contains(LAST), "{help}");

    let all = below(&command, &[]);
    assert!(all.len() > 40, "{all:?}");
    for path in all {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        for flag in ["-h", "--help"] {
            let done = env.run_with(&path, &["--base-url", "https://one.example", flag]);
            assert_eq!(done.code, 0, "{path:?} {done:?}");
            assert!(done.stdout.ends_with(&format!("\n\n{LAST}\n")), "{done:?}");
            assert_eq!(done.stdout.matches(LAST).count(), 1);
            for option in &global {
                assert!(!lists(&done.stdout, option), "{option} {done:?}");
            }
        }
    }
}
