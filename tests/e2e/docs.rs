//! The commands of the guides print the output that the guides contain.

use hh_testing::{ServerProcess, TestEnv, run as run_command};

use crate::http::{export, spans};
use crate::shell::Shell;
use crate::support::{TestDir, key_in, profile_dir};

/// A fenced block of a page: the text after the fence on its line, and the lines within.
pub(crate) struct CodeBlock<'a> {
    pub(crate) info: &'a str,
    pub(crate) lines: Vec<&'a str>,
}

pub(crate) fn fenced(page: &str) -> Vec<CodeBlock<'_>> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let lines = lines.by_ref().take_while(|line| *line != "```").collect();
            parts.push(CodeBlock { info, lines });
        }
    }
    parts
}

/// Runs the page from top to bottom in one home, which is also the working directory. `console` blocks are commands
/// with their output, and a block with a file name is that file.
pub(crate) fn run(page: &str) -> usize {
    run_with(page, &[])
}

/// Runs the page as [`run`] does, with variables for every command.
fn run_with(page: &str, variables: &[(&str, &str)]) -> usize {
    let mut env = TestEnv::new();
    env.set("PATH", profile_dir().to_str().unwrap());
    for (name, value) in variables {
        env.set(name, value);
    }
    let mut commands = 0;
    for part in fenced(page) {
        match part.info.split_once(' ') {
            Some((_, file)) => {
                env.write(file, part.lines.join("\n") + "\n");
            }
            None if part.info == "console" => {
                let text = part.lines.join("\n");
                for run in format!("\n{text}").split("\n$ ").skip(1) {
                    let (command, expected) = run.split_once('\n').unwrap_or((run, ""));
                    assert_eq!(
                        without_times(&output(&env, command)),
                        without_times(expected),
                        "`{command}` prints something else than the guide says"
                    );
                    commands += 1;
                }
            }
            None => {}
        }
    }
    commands
}

fn output(env: &TestEnv, command: &str) -> String {
    let output = env
        .command("/bin/sh")
        .args(["-c", &format!("{command} 2>&1")])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_end()
        .replace(&env.root().display().to_string(), "[home]")
}

/// Removes the duration of each step and the padding of its column.
fn without_times(text: &str) -> String {
    let is_time = |pair: &[&str]| pair[0].parse::<f64>().is_ok() && matches!(pair[1], "ms" | "s");
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        // The state, the step, and then the duration.
        let is_step = words.get(2..4).is_some_and(is_time);
        if is_step {
            format!("{} {} [time] {}", words[0], words[1], words[4..].join(" "))
        } else {
            line.to_owned()
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn configuration() {
    let page = include_str!("../../docs/concepts/configuration.md");
    assert!(run(page) > 12, "the page has too few commands");
}

#[test]
fn trust() {
    let page = include_str!("../../docs/concepts/trust.md");
    assert!(run(page) > 2, "the page has too few commands");
}

#[test]
fn network() {
    let page = include_str!("../../docs/concepts/network.md");
    assert!(run(page) > 3, "the page has too few commands");
}

#[test]
fn log_in() {
    let page = include_str!("../../docs/guides/log-in.md");
    assert!(run(page) > 3, "the page has too few commands");
}

#[test]
fn manage_keys() {
    let place = TestDir::new();
    let admin = place.path("home/admin.key");
    let mut command = place.server_command();
    command.args(["--admin", "me@example.com", "--admin-key-file"]);
    let server = ServerProcess::start(command.arg(&admin));
    place.ask(&server, &admin, &["project", "create", "docs"]);
    let mut command = place.command_of("bash");
    command.env("PATH", format!("{}:/usr/bin:/bin", profile_dir().display()));
    command.env("TZ", "UTC");
    let mut shell = Shell::start(&mut command, &place.path("home"));
    shell.set_value("http://127.0.0.1:8642", server.url());
    let page = include_str!("../../docs/guides/manage-keys.md");
    assert!(shell.paste(page) > 12, "the page has too few commands");
}

#[test]
fn output_and_scripts() {
    let place = TestDir::new();
    let server = place.start();
    let key_file = place.admin_key_file();
    export(server.address(), &key_in(&key_file), &spans("tool", 1, 5)).unwrap();
    let variables = [
        ("HH_BASE_URL", server.url()),
        ("HH_API_KEY_FILE", key_file.to_str().unwrap()),
        // After the program of this test, for `wc` and others.
        (
            "PATH",
            &format!("{}:/usr/bin:/bin", profile_dir().display()),
        ),
    ];
    let page = include_str!("../../docs/guides/output-and-scripts.md");
    assert!(
        run_with(page, &variables) > 10,
        "the page has too few commands"
    );
}

#[test]
fn delete_data() {
    let place = TestDir::new();
    let server = place.start();
    let key_file = place.admin_key_file();
    let variables = [
        ("HH_BASE_URL", server.url()),
        ("HH_API_KEY_FILE", key_file.to_str().unwrap()),
    ];
    let page = include_str!("../../docs/guides/delete-data.md");
    assert!(
        run_with(page, &variables) > 7,
        "the page has too few commands"
    );
}

#[test]
fn work_with_events() {
    let place = TestDir::new();
    let server = place.start();
    let key_file = place.admin_key_file();
    let variables = [
        ("HH_BASE_URL", server.url()),
        ("HH_API_KEY_FILE", key_file.to_str().unwrap()),
        (
            "PATH",
            &format!("{}:/usr/bin:/bin", profile_dir().display()),
        ),
    ];
    let page = include_str!("../../docs/guides/work-with-events.md");
    assert!(
        run_with(page, &variables) > 8,
        "the page has too few commands"
    );
}

#[test]
fn troubleshoot() {
    let page = include_str!("../../docs/guides/troubleshoot.md");
    assert!(run(page) > 5, "the page has too few commands");
}

#[test]
fn scan_for_leaks() {
    let page = include_str!("../../docs/guides/scan-for-leaks.md");
    assert!(run(page) > 4, "the page has too few commands");
}

/// The hook of the page about leaked keys rejects a commit with a key, and no other commit.
#[test]
fn scan_for_leaks_before_a_commit() {
    let page = include_str!("../../docs/guides/scan-for-leaks.md");
    let parts = fenced(page);
    let lines = |info: &str| &parts.iter().find(|part| part.info == info).unwrap().lines;
    let path = std::env::var_os("PATH").unwrap();
    let path = format!("{}:{}", profile_dir().display(), path.to_str().unwrap());
    let mut env = TestEnv::new();
    env.set("PATH", &path);
    let shell = |script: &str| {
        let done = run_command(env.command("/bin/sh").args(["-c", script]));
        (done.code == 0, done.stderr)
    };
    assert!(
        shell("git init -q && git config user.name A && git config user.email a@example.com").0
    );
    env.write(
        ".git/hooks/pre-commit",
        lines("sh pre-commit").join("\n") + "\n",
    );
    assert!(shell("chmod +x .git/hooks/pre-commit").0);
    env.write("app.py", lines("python app.py").join("\n"));
    let commit = "git add app.py && git commit -qm m";
    assert_eq!(
        shell(commit),
        (true, "No API keys found in 1 file\n".to_owned())
    );
    // Without the marker the commit is rejected, also with `git commit -a`, which has an index of its own.
    assert!(shell("sed -i 's/hh-scan: ignore//' app.py").0);
    let (is_committed, printed) = shell("git commit -qam m");
    assert!(
        !is_committed && printed.contains("error: found 1 possible API key"),
        "{printed}"
    );
    assert!(shell("git add app.py").0 && !shell("git commit -qm m").0);
    // The other recipe runs the same command.
    let recipe = lines("yaml .pre-commit-config.yaml").join("\n");
    assert!(
        recipe.contains("entry: honeyhive auth scan --staged\n"),
        "{recipe}"
    );
}

/// The page names the files of the current version.
#[test]
fn install() {
    let page = include_str!("../../docs/guides/install.md");
    assert!(run(page) > 0, "the page has too few commands");
    let version = env!("CARGO_PKG_VERSION");
    for name in [
        format!("v{version}/honeyhive_{version}-1_amd64.deb"),
        format!("v{version}/honeyhive-{version}-1.x86_64.rpm"),
        format!("v{version}/honeyhive-{version}-x86_64-unknown-linux-musl.tar.gz"),
        format!("v{version}/honeyhive-{version}-image-amd64.tar"),
    ] {
        assert!(page.contains(&name), "the page does not contain {name}");
    }
    let env = TestEnv::new();
    for part in fenced(page).iter().filter(|part| part.info == "sh") {
        let script = part.lines.join("\n");
        let printed = output(&env, &format!("sh -n <<'END'\n{script}\nEND"));
        assert_eq!(printed, "", "a block is not valid: {script}");
    }
}
