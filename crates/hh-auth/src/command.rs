//! Runs `credential_command`, a program that prints the API key, such as the client of a secret manager.

mod expiry;
mod program;

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hh_config::Env;
use hh_text::{Diagnostic, is_unsafe};
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{ApiKey, AuthError, AuthErrorKind, redact};

/// The time limit of a program. It leaves time for a user to touch a security device.
const DEADLINE: Duration = Duration::from_secs(10);

/// The limit of the output, in bytes: far more than a key in the JSON of a secret manager.
const MAX_OUTPUT: usize = 64 * 1024;

/// The limit of the quoted error output of a program, in characters.
const MAX_COMPLAINT: usize = 200;

/// Runs a program and returns the key that it prints, with its expiry if the program prints one.
///
/// The program prints the key alone, or a JSON object with the key as `api_key` and an optional time `expires_at`: RFC
/// 3339, or seconds since 1970-01-01 as a number or as digits. `argv` contains the program and its arguments.
///
/// The program runs without a shell, for at most 10 s, and without the `HH_` and `HONEYHIVE_` variables.
///
/// The program is an absolute path, or a name. The function searches for a name in the absolute directories of `PATH`,
/// and the `PATH` of the program contains only these directories. The program starts in `folder`, so that the working
/// directory affects neither the choice of the program nor the meaning of relative arguments. Without a `folder`, it
/// starts in the working directory of this process.
///
/// `place` names the source of the command in messages.
///
/// # Errors
/// Returns `Command` if the program cannot be run, fails, exceeds the time limit or does not print a valid key.
pub fn credential_command(
    argv: &[String],
    env: &Env,
    folder: Option<&Path>,
    place: &str,
) -> Result<(ApiKey, Option<Timestamp>), AuthError> {
    run_within(argv, env, folder, place, DEADLINE)
}

fn run_within(
    argv: &[String],
    env: &Env,
    folder: Option<&Path>,
    place: &str,
    within: Duration,
) -> Result<(ApiKey, Option<Timestamp>), AuthError> {
    let explained = |what: Diagnostic| {
        let what = what.with_prefix(format_args!("credential_command from {place}: "));
        AuthError::new(AuthErrorKind::Command, what)
    };
    let failed = |what: String| explained(what.into());
    let Some((program, arguments)) = argv.split_first() else {
        let empty = Diagnostic::new("the list is empty").with_hint("specify a program");
        return Err(explained(empty));
    };
    let shown = redact_word(program);
    let found = program::find(program, env);
    let found = found.map_err(|why| explained(why.with_prefix(format_args!("{shown} "))))?;
    let mut command = Command::new(found);
    command
        .args(arguments)
        .env_clear()
        .envs(
            env.names()
                .filter(|name| !is_own_variable(name))
                .filter_map(|name| {
                    let value = env.get(name)?;
                    Some((name, value))
                }),
        )
        .env("PATH", program::child_path(env))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // The program gets its own process group, so that the processes that it starts can be killed with it.
        .process_group(0);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let child = command.spawn().map_err(|error| {
        failed(if error.kind() == io::ErrorKind::NotFound {
            format!("{shown} does not exist")
        } else {
            format!("cannot run {shown}: {error}")
        })
    })?;
    let mut child = ProcessGroup(child);
    let start = Instant::now();
    let output = read(child.0.stdout.take());
    let complaint = read(child.0.stderr.take());
    let timed_out = || {
        let seconds = within.as_secs_f64();
        failed(format!("{shown} printed no key within {seconds} s"))
    };
    let output = match output.recv_timeout(within) {
        Ok(output) => output,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(timed_out()),
    };
    // The pipe is not read any further, so the program may fail from here on.
    if output.len() > MAX_OUTPUT {
        let limit = MAX_OUTPUT / 1024;
        return Err(failed(format!(
            "the output of {shown} is longer than {limit} KiB"
        )));
    }
    let status = loop {
        let waited = child.0.try_wait();
        match waited.map_err(|error| failed(format!("cannot wait for {shown}: {error}")))? {
            Some(status) => break status,
            None if start.elapsed() < within => std::thread::sleep(Duration::from_millis(5)),
            None => return Err(timed_out()),
        }
    };
    if !status.success() {
        let left = within.saturating_sub(start.elapsed());
        let said = complaint.recv_timeout(left).unwrap_or_default();
        return Err(failed(format!(
            "{shown} failed ({status}){}",
            quote_first_line(&said)
        )));
    }
    parse_output(&output)
        .map_err(|what| explained(what.with_prefix(format_args!("the output of {shown} "))))
}

/// A running program, which is killed with its process group on drop.
struct ProcessGroup(Child);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let group = rustix::process::Pid::from_child(&self.0);
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
            self.0.wait().ok();
        }
    }
}

/// Reads a pipe up to the limit, on a thread, because a read from a pipe has no timeout.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
        if let Some(pipe) = pipe {
            let limit = u64::try_from(MAX_OUTPUT).unwrap_or(u64::MAX) + 1;
            pipe.take(limit).read_to_end(&mut bytes).ok();
        }
        sender.send(bytes).ok();
    });
    receiver
}

fn is_own_variable(name: &str) -> bool {
    name.starts_with("HH_") || name.starts_with("HONEYHIVE_")
}

/// Redacts a word that looks like an API key in the wrong place.
fn redact_word(word: &str) -> String {
    if word.starts_with("hh_") {
        redact(word)
    } else {
        word.to_owned()
    }
}

#[derive(Deserialize)]
struct Object {
    api_key: String,
    expires_at: Option<serde_json::Value>,
}

/// Parses the output of a program. The error message is a predicate whose subject is the output, such as
/// `is not UTF-8`, and quotes no part of the output.
fn parse_output(output: &[u8]) -> Result<(ApiKey, Option<Timestamp>), Diagnostic> {
    let text = hh_text::decode(output)?.trim();
    let parse = |key: &str| {
        ApiKey::parse(key)
            .map_err(|error| Diagnostic::new(error.to_string()).with_hint(error.hint()))
    };
    if !text.starts_with('{') {
        return Ok((parse(text)?, None));
    }
    let mut object: Object = serde_json::from_str(text).map_err(|error| {
        // The error of serde would quote a part of the output.
        Diagnostic::new(format!(
            "is not a JSON object with a string `api_key` and an optional time `expires_at` (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    let key = parse(&object.api_key).map_err(|what| what.with_prefix("has an `api_key` that "));
    object.api_key.zeroize();
    let expires_at = object.expires_at.as_ref().map(expiry::parse).transpose()?;
    Ok((key?, expires_at))
}

/// Returns the first line of the error output of a program, without unsafe characters and anything that resembles a
/// key.
fn quote_first_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    let Some(line) = line else {
        return String::new();
    };
    let line: String = line.chars().filter(|c| !is_unsafe(*c)).collect();
    let words: Vec<String> = line
        .split(' ')
        .map(|word| match word.find("hh_") {
            Some(at) => format!("{}***", &word[..at]),
            None => word.to_owned(),
        })
        .collect();
    let line: String = words.join(" ").chars().take(MAX_COMPLAINT).collect();
    format!(": {line}")
}

#[cfg(test)]
mod tests;
