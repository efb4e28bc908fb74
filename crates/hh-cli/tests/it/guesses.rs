//! Commands that new users guess: each works, or its error suggests the right command, and never a wrong one.

use crate::support::TestEnv;

/// Sixty guesses and more. `PROFILE` stands for nothing that exists.
const GUESSES: &[&str] = &[
    "login --api-key-stdin --storage file",
    "signin",
    "whoami",
    "status",
    "version",
    "--version",
    "-V",
    "help",
    "help auth",
    "auth",
    "auth me",
    "auth verify",
    "me",
    "events list",
    "event ls",
    "events",
    "evnt list",
    "event list --since 1h",
    "event list -n 5",
    "event list --count 5",
    "event list --session x",
    "event list -o xml",
    "event list -o jsonl",
    "event list --json event_name",
    "event list --jq .total",
    "logs",
    "traces",
    "spans",
    "sessions list",
    "session show",
    "session rm 3f2a91bc",
    "event remove x",
    "project rm docs",
    "projects list",
    "projects ls",
    "project new docs",
    "project create docs",
    "project add docs",
    "project delete docs",
    "project list --projct docs",
    "keys list",
    "auth key list",
    "auth keys ls",
    "auth keys delete x",
    "auth keys rm x",
    "auth keys add",
    "auth keys create --name x --level read_only --all-projects --expires 3d",
    "auth owner list",
    "auth owners delete x",
    "auth owners enable user@example.com",
    "auth keys get x",
    "auth keys edit x",
    "owners list",
    "users",
    "api GET /v1/projects",
    "api get v1/projects",
    "request GET /v1/projects",
    "config",
    "config ls",
    "config show",
    "config get timeout",
    "config set timeout 20",
    "config add timeout 20",
    "config rm timeout",
    "config edit",
    "configure",
    "init",
    "setup",
    "config list --config x",
    "doctor",
    "docter",
    "atuh login",
    "aut status",
    "nothing auth",
    "diagnose",
    "ping",
    "health",
    "serve",
    "server run",
    "server start --port 80",
    "server health",
    "scan",
    "auth scan clean",
    "rotate",
    "token",
    "use work",
    "switch work",
    "completions bash",
    "completion bash",
    "upgrade",
    "project list --host http://127.0.0.1:1",
    "project list --url=http://127.0.0.1:1",
    "project list --key x",
    "project list --verbos",
    "project list -q",
    "logout",
    "signout",
];

#[test]
fn guesses_work_or_get_one_right_suggestion() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    env.set("EDITOR", "true");
    env.write("clean/file", "nothing here\n");
    let key = env.read("admin.key");
    let mut transcript = String::new();
    for guess in GUESSES {
        let words: Vec<_> = guess.split(' ').collect();
        let done = env.run_with_input(&words, &key);
        let errors = done
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: ") || line.trim_start().starts_with("hint: "));
        let shown: Vec<_> = errors.map(str::trim_start).collect();
        let outcome = match done.code {
            0 => "ok".to_owned(),
            // A group without a command prints its help.
            _ if shown.is_empty() => "help".to_owned(),
            _ => shown.join(" / "),
        };
        transcript += guess;
        transcript += "\n    ";
        transcript += &env.filtered(&outcome);
        transcript += "\n";
    }
    insta::assert_snapshot!(transcript);
}
