//! A packager that lists the commands of `honeyhive`.

fn main() {
    let command = hh_cli::command();
    let names: Vec<_> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    println!("{} {}", command.get_name(), names.join(" "));
    for expected in ["auth", "config", "event", "project", "server"] {
        assert!(names.iter().any(|name| name == expected), "{expected}");
    }
}
