//! Tests that files which the user names can be named pipes, and that all others cannot.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::Command;
use std::thread::JoinHandle;

use hh_config::{Env, FileState, LoadErrorKind, LoadOptions, Source, Stack, TrustedFiles, names};
use tempfile::TempDir;

use super::{key_in, write};

/// Creates a named pipe without a writer, and returns its path.
fn make_pipe(dir: &TempDir, name: &str) -> String {
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path.display().to_string()
}

/// Writes a text to a named pipe once, as soon as a reader opens it.
fn write_once(path: &str, text: impl AsRef<[u8]> + Send + 'static) -> JoinHandle<()> {
    let path = path.to_owned();
    std::thread::spawn(move || {
        let mut pipe = std::fs::File::options().write(true).open(path).unwrap();
        // The reader may stop at its limit.
        drop(pipe.write_all(text.as_ref()));
    })
}

fn load(env: &Env) -> Stack {
    Stack::load(env, LoadOptions::new())
}

fn project(stack: &Stack) -> (String, String) {
    let found = stack.text(names::PROJECT).unwrap().unwrap();
    (found.value, found.provenance.label())
}

/// Returns the problems with their hints.
fn problems(stack: &Stack) -> Vec<String> {
    let problems = stack.problems();
    let shown = problems.iter().map(|problem| {
        assert_eq!(problem.kind(), LoadErrorKind::Unreadable);
        let hint = problem.hint().map(|hint| format!(" => {hint}"));
        format!("{problem}{}", hint.unwrap_or_default())
    });
    shown.collect()
}

#[test]
fn a_named_pipe_is_read_once_for_all_clones_of_an_environment() {
    let dir = tempfile::tempdir().unwrap();
    for (variable, name, text, place) in [
        ("HH_ENV_FILE", "a.env", "HH_PROJECT=docs\n", "1:12"),
        ("HH_CONFIG_FILE", "a.yaml", "project: docs\n", "1:10"),
        (
            "HH_CONFIG_FILE",
            "a.json",
            "{\"project\": \"docs\"}",
            "1:13",
        ),
        ("HH_CONFIG_FILE", "a.toml", "project = 'docs'\n", "1:11"),
    ] {
        let pipe = make_pipe(&dir, name);
        let writer = write_once(&pipe, text);
        let env = Env::from_pairs([(variable, pipe.as_str())]);
        for env in [env.clone(), env.clone(), Env::clone(&env)] {
            let stack = load(&env);
            assert_eq!(
                project(&stack),
                ("docs".to_owned(), format!("file:{pipe}:{place}"))
            );
            let file = stack.files().iter().find(|file| {
                let path = file.path.as_deref();
                path == Some(Path::new(&pipe))
            });
            assert_eq!(file.unwrap().state, FileState::Read);
            // The program that made a pipe may remove it after it was read.
            std::fs::remove_file(&pipe).ok();
        }
        writer.join().unwrap();
    }
}

#[test]
fn key_files_can_be_named_pipes() {
    let dir = tempfile::tempdir().unwrap();
    let key = "hh_pipe0000000000000000000000000000000";
    for setting in ["variable", "env_file", "config_file"] {
        let pipe = make_pipe(&dir, &format!("{setting}.key"));
        let writer = write_once(&pipe, format!("\u{feff}{key}\n"));
        let env_file = write(&dir, "a.env", &format!("HH_API_KEY_FILE={pipe}\n"));
        let config_file = write(&dir, "a.yaml", &format!("api_key_file: {pipe}\n"));
        let (variable, value, source) = match setting {
            "variable" => ("HH_API_KEY_FILE", &pipe, Source::Env),
            "env_file" => ("HH_ENV_FILE", &env_file, Source::DotEnv),
            _ => ("HH_CONFIG_FILE", &config_file, Source::Named),
        };
        let env = Env::from_pairs([(variable, value)]);
        for _ in 0..2 {
            assert_eq!(key_in(&load(&env)), (key.to_owned(), source));
        }
        writer.join().unwrap();
    }
}

#[test]
fn another_environment_can_share_the_contents() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = make_pipe(&dir, "a.env");
    let writer = write_once(&pipe, "HH_PROJECT=docs\n");
    let first = Env::from_pairs([("HH_ENV_FILE", pipe.as_str())]);
    let second = Env::from_pairs([("HH_ENV_FILE", pipe.as_str()), ("HH_SOURCE", "x")]);
    let second = second.with_pipes_of(&first);
    assert_eq!(project(&load(&second)), project(&load(&first)));
    writer.join().unwrap();
}

/// The shell replaces `<(program)` with such a path.
#[test]
fn the_pipe_of_a_process_substitution_is_read() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let pipe = format!("/dev/fd/{}", reader.as_raw_fd());
    writer.write_all(b"HH_PROJECT=docs\n").unwrap();
    drop(writer);
    let env = Env::from_pairs([("HH_ENV_FILE", pipe.as_str())]);
    assert_eq!(project(&load(&env)).0, "docs");
    assert_eq!(project(&load(&env)).0, "docs");
    // Nothing is left for another environment, which must not take this for an empty file.
    let again = Env::from_pairs([("HH_ENV_FILE", pipe.as_str())]);
    assert_eq!(
        problems(&load(&again)),
        [format!(
            "the .env file {pipe} (HH_ENV_FILE) is an empty named pipe => check the program that writes to it; a named pipe can be read only once"
        )]
    );
}

#[test]
fn a_named_pipe_has_the_limits_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let mebibyte = 1024 * 1024;
    for (variable, name, limit, message) in [
        (
            "HH_ENV_FILE",
            "a.env",
            mebibyte,
            "the .env file [pipe] (HH_ENV_FILE) is larger than 1 MiB",
        ),
        (
            "HH_CONFIG_FILE",
            "a.yaml",
            mebibyte,
            "the configuration file [pipe] (HH_CONFIG_FILE) is larger than 1 MiB",
        ),
        (
            "HH_API_KEY_FILE",
            "a.key",
            64 * 1024,
            "HH_API_KEY_FILE names [pipe], which is larger than 64 KiB",
        ),
    ] {
        let pipe = make_pipe(&dir, name);
        let writer = write_once(&pipe, vec![b'#'; limit + 1]);
        let env = Env::from_pairs([(variable, pipe.as_str())]);
        for _ in 0..2 {
            assert_eq!(problems(&load(&env)), [message.replace("[pipe]", &pipe)]);
        }
        writer.join().unwrap();
    }
    let pipe = make_pipe(&dir, "full.env");
    let comment = "#".repeat(mebibyte - "\nHH_PROJECT=docs\n".len());
    let writer = write_once(&pipe, comment + "\nHH_PROJECT=docs\n");
    let env = Env::from_pairs([("HH_ENV_FILE", pipe.as_str())]);
    assert_eq!(project(&load(&env)).0, "docs");
    writer.join().unwrap();
}

#[test]
fn files_that_nobody_named_cannot_be_named_pipes() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in [
        "proj/honeyhive.yaml",
        "home/.config/honeyhive/config.yaml",
        "etc/config.yaml",
        "named.dev.yaml",
    ] {
        make_pipe(&dir, name);
    }
    let home = at("home").display().to_string();
    let env = Env::from_pairs([("HOME", home.as_str())])
        .with_working_dir(at("proj"))
        .with_system_dir(at("etc"));
    let hint = "is a named pipe, not a regular file => replace it with a regular file; only files that an option or a variable names can be named pipes";
    let refused = |file: &str| {
        let path = at(file);
        format!("the configuration file {} {hint}", path.display())
    };
    assert_eq!(
        problems(&load(&env)),
        [
            refused("proj/honeyhive.yaml"),
            refused("home/.config/honeyhive/config.yaml"),
            refused("etc/config.yaml"),
        ]
    );
    let named = write(&dir, "named.yaml", "project: docs\n");
    let variables = [
        ("HH_CONFIG_FILE", named.as_str()),
        ("HH_ENVIRONMENT", "dev"),
    ];
    let overlay = load(&Env::from_pairs(variables));
    assert_eq!(problems(&overlay), [refused("named.dev.yaml")]);
    let trusted = TrustedFiles::default().with(&at("proj/honeyhive.yaml"));
    assert_eq!(trusted.unwrap_err().kind(), LoadErrorKind::Unreadable);
}
