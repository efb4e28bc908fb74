//! The examples on the four pages that the guide to logins links to parse and run.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hh_testing::{RunOutput, ServerProcess, write};
use serde_json::Value;

use crate::docs::{fenced, run};
use crate::support::{TestDir, key_in, profile_dir};

const CI_CD: &str = include_str!("../../docs/guides/run-in-ci.md");

// Feature S102.
#[test]
fn the_four_pages_are_linked_from_the_readme_and_from_the_guide_to_logins() {
    let readme = include_str!("../../README.md");
    let log_in = include_str!("../../docs/guides/log-in.md");
    for page in [
        "reference/environment-variables.md",
        "reference/settings.md",
        "reference/cli.md",
        "guides/run-in-ci.md",
    ] {
        assert!(readme.contains(&format!("](docs/{page})")), "{page}");
        let link = match page.strip_prefix("guides/") {
            Some(guide) => format!("]({guide})"),
            None => format!("](../{page})"),
        };
        assert!(log_in.contains(&link), "{page}");
    }
}

// Feature S102.
#[test]
fn environment_variables() {
    let page = include_str!("../../docs/reference/environment-variables.md");
    assert!(run(page) > 2, "the page has too few commands");
}

// Feature S102.
#[test]
fn configuration_options() {
    let page = include_str!("../../docs/reference/settings.md");
    assert!(run(page) > 1, "the page has too few commands");
}

// Feature S102.
#[test]
fn commands() {
    let place = TestDir::new();
    let page = include_str!("../../docs/reference/cli.md");
    let headings = page
        .lines()
        .filter_map(|line| line.split_once("# honeyhive"))
        .map(|(_, command)| command.trim());
    let mut commands = 0;
    for (command, part) in headings.zip(fenced(page)) {
        let done = done(&place, &format!("honeyhive {command} --help"), &[]);
        assert_eq!(done.stdout.trim_end(), part.lines.join("\n"), "{command}");
        commands += 1;
    }
    assert!(commands > 30, "the page has too few commands");
}

// Features S64, S66, S69, S102.
#[test]
fn ci_cd() {
    let place = TestDir::new();
    let server = place.start();
    stand_ins(&place);
    let mut seen = Vec::new();
    for part in fenced(CI_CD) {
        let text = part.lines.join("\n");
        // The test directory replaces the secrets directory of a container.
        let text = text.replace("/run/secrets", &place.path("cwd").display().to_string());
        let (language, file) = part.info.split_once(' ').unwrap_or((part.info, ""));
        match language {
            "sh" => as_person(&place, &server, &text),
            "yaml" => {
                let value = serde_saphyr::from_str::<Value>(&text).unwrap();
                pipeline(&place, &server, file, &value);
            }
            "groovy" => jenkins(&place, &server, &text),
            "dockerfile" => dockerfile(&place, &server, &text),
            "console" => assert!(run(&format!("```console\n{text}\n```\n")) > 0),
            language => panic!("blocks of language {language} are not supported"),
        }
        seen.push(part.info);
    }
    let files = seen.iter().filter_map(|info| info.split_once(' '));
    assert_eq!(
        files.map(|(_, file)| file).collect::<Vec<_>>(),
        [
            ".github/workflows/test.yml",
            ".gitlab-ci.yml",
            "Jenkinsfile",
            "Dockerfile",
            "compose.yaml",
            "deployment.yaml",
            "external-secret.yaml",
        ]
    );
    let calls = || std::fs::read_to_string(place.path("calls")).unwrap();
    let (key, recorded) = (key_in(&place.path("key")), calls());
    assert!(!recorded.contains(&key), "a command line contains a key");
    // The check detects a key on a command line.
    must(&place, &format!("gh secret set --body {key}"), &[]);
    assert!(calls().contains(&key));
    insta::assert_snapshot!(recorded, @"
    gh secret set HH_TEST_API_KEY, the key in HH_API_KEY, the key on stdin
    glab variable set HH_TEST_API_KEY --masked --protected, the key in HH_API_KEY, the key on stdin
    cargo test, the key in HH_API_KEY, test mode
    cargo test, no key of a server, test mode
    cargo test, no key of a server, test mode
    cargo test, the key in HH_API_KEY, test mode
    docker build --secret id=honeyhive_api_key,env=HH_API_KEY --tag my-app ., the key in HH_API_KEY
    docker run --env HH_API_KEY my-app, the key in HH_API_KEY
    kubectl create secret generic honeyhive-secret --from-file=api-key=/dev/stdin, the key in HH_API_KEY, the key on stdin
    ");
}

// Feature S73.
#[test]
fn the_manifests_name_one_secret() {
    let at = |pointer: &str| {
        let parts = fenced(CI_CD).into_iter();
        let values = parts
            .filter(|part| part.info.starts_with("yaml"))
            .filter_map(|part| {
                let value: Value = serde_saphyr::from_str(&part.lines.join("\n")).unwrap();
                value.pointer(pointer).cloned()
            });
        values.collect::<Vec<_>>()
    };
    let secret = [Value::from("honeyhive-secret")];
    assert_eq!(
        at("/spec/template/spec/volumes/0/secret/secretName"),
        secret
    );
    assert_eq!(at("/env/0/valueFrom/secretKeyRef/name"), secret);
    assert_eq!(at("/spec/target/name"), secret);
    let entry = [Value::from("api-key")];
    assert_eq!(at("/env/0/valueFrom/secretKeyRef/key"), entry);
    assert_eq!(at("/spec/data/0/secretKey"), entry);
    let made = "kubectl create secret generic honeyhive-secret --from-file=api-key=/dev/stdin";
    assert!(CI_CD.contains(made));
}

/// Creates replacements for external programs. Each records its arguments and whether it received the key of the
/// pipeline.
fn stand_ins(place: &TestDir) {
    let folder = place.path("bin");
    std::fs::create_dir(&folder).unwrap();
    let script = r#"#!/bin/sh
key=$(cat "$PLACE/key")
with=
[ "$HH_API_KEY" = "$key" ] && with="$with, the key in HH_API_KEY"
[ "$HH_API_KEY" = hh_mock_key ] && with="$with, no key of a server"
[ "$(cat)" = "$key" ] && with="$with, the key on stdin"
[ -n "$HH_TEST_MODE" ] && with="$with, test mode"
printf '%s\n' "${0##*/} $*$with" >>"$PLACE/calls"
"#;
    for name in ["cargo", "docker", "gh", "glab", "kubectl"] {
        let path = folder.join(name);
        write(&path, script);
        std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
}

/// Runs commands of a user. The first ones create the key of the pipeline with the admin key; the others use it.
fn as_person(place: &TestDir, server: &ServerProcess, text: &str) {
    let made = place.path("cwd/ci.key");
    let admin = place.admin_key_file();
    if place.path("key").exists() {
        let key = key_in(&place.path("key"));
        must(
            place,
            text,
            &[("HH_BASE_URL", server.url()), ("HH_API_KEY", &key)],
        );
    } else {
        let admin = admin.to_str().unwrap();
        must(
            place,
            text,
            &[("HH_BASE_URL", server.url()), ("HH_API_KEY_FILE", admin)],
        );
        let key = key_in(&made);
        write(place.path("key"), &key);
        // A container has the key in this file.
        write(place.path("cwd/honeyhive_api_key"), &key);
    }
}

/// Runs the shell lines of a recipe, with the variables of the recipe.
fn pipeline(place: &TestDir, server: &ServerProcess, file: &str, recipe: &Value) {
    let key = key_in(&place.path("key"));
    match file {
        ".github/workflows/test.yml" => {
            // With the secret, and as for a pull request from a fork.
            for (secret, is_push) in [(key.as_str(), true), ("hh_mock_key", false)] {
                let secret = |value: &str| match value {
                    "${{ secrets.HH_TEST_API_KEY }}" if is_push => secret.to_owned(),
                    "${{ secrets.HH_TEST_API_KEY || 'hh_mock_key' }}" => secret.to_owned(),
                    value => value.to_owned(),
                };
                for step in recipe["jobs"]["test"]["steps"].as_array().unwrap() {
                    let is_for_pushes = step["if"] == "github.event_name == 'push'";
                    if let Some(lines) = step["run"].as_str()
                        && (is_push || !is_for_pushes)
                    {
                        must_with(place, server, lines, &variables(&step["env"], secret));
                    }
                }
            }
        }
        ".gitlab-ci.yml" => {
            let secret = |value: &str| value.replace("$HH_TEST_API_KEY", &key);
            let of_all = variables(&recipe["variables"], secret);
            for job in ["key", "test"] {
                let of_job = variables(&recipe[job]["variables"], secret);
                let all = [&of_all[..], &of_job[..]].concat();
                for line in recipe[job]["script"].as_array().unwrap() {
                    must_with(place, server, line.as_str().unwrap(), &all);
                }
            }
        }
        _ => {}
    }
}

fn variables(table: &Value, secret: impl Fn(&str) -> String) -> Vec<(String, String)> {
    let table = table.as_object().into_iter().flatten();
    table
        .map(|(name, value)| (name.clone(), secret(value.as_str().unwrap())))
        .collect()
}

/// Runs the content of `sh '…'` and `sh '''…'''`, with the variables of the stage.
fn jenkins(place: &TestDir, server: &ServerProcess, recipe: &str) {
    let key = key_in(&place.path("key"));
    assert!(recipe.contains("HH_API_KEY = credentials('honeyhive-test-api-key')"));
    let mut steps = 0;
    for stage in recipe.split("stage('").skip(1) {
        let (before, step) = stage.split_once("sh '").unwrap();
        let lines = match step.strip_prefix("''") {
            Some(long) => long.split_once("'''").unwrap().0,
            None => step.split_once('\'').unwrap().0,
        };
        let of_stage = before.lines().filter_map(|line| line.split_once(" = '"));
        let of_stage = of_stage.map(|(name, value)| (name.trim(), value.trim_end_matches('\'')));
        let all = [("HH_API_KEY", &*key)].into_iter().chain(of_stage);
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        must_with(place, server, lines, &all.collect::<Vec<_>>());
        steps += 1;
    }
    assert_eq!(steps, 2);
}

/// Runs the command after the options of `RUN`; no key may be an argument or a variable of the image.
fn dockerfile(place: &TestDir, server: &ServerProcess, recipe: &str) {
    for line in recipe.lines() {
        let (instruction, rest) = line.split_once(' ').unwrap();
        assert!(!matches!(instruction, "ARG" | "ENV"), "{line}");
        if instruction == "RUN" {
            let command = rest.split_once("id=honeyhive_api_key ").unwrap().1;
            must_with(place, server, command, &[]);
        }
    }
}

fn must_with(
    place: &TestDir,
    server: &ServerProcess,
    script: &str,
    variables: &[(String, String)],
) {
    let base = [("HH_BASE_URL", server.url())];
    let variables = variables.iter().map(|(name, value)| (&**name, &**value));
    must(
        place,
        script,
        &base.into_iter().chain(variables).collect::<Vec<_>>(),
    );
}

/// Runs lines that must all succeed, as pipelines do.
#[track_caller]
fn must(place: &TestDir, script: &str, variables: &[(&str, &str)]) {
    let done = done(place, script, variables);
    assert_eq!(done.code, 0, "{script}\n{done:?}");
}

fn done(place: &TestDir, script: &str, variables: &[(&str, &str)]) -> RunOutput {
    let path = [
        place.path("bin"),
        profile_dir(),
        "/usr/bin".into(),
        "/bin".into(),
    ];
    let mut shell = place.command_of(Path::new("/bin/sh"));
    shell
        .args(["-e", "-c", script])
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("PLACE", place.root())
        .envs(variables.iter().copied());
    hh_testing::run(&mut shell)
}
