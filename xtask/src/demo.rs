//! `cargo xtask demo`: runs a server, creates a key, traces a program and reads the trace.
//!
//! A shell runs each line that is printed after `$` exactly as printed, with a temporary home directory.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::output::print_line;
use crate::references::programs;
use crate::{build, process, workspace};

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Keep the server running, and print the variables to use it
    #[arg(long)]
    keep: bool,
    /// Use the programs of the last build
    #[arg(long)]
    no_build: bool,
}

/// The exit code of the command line if there is no key.
const NO_KEY: i32 = 3;

pub(crate) fn run(options: &DemoOptions) -> Result<()> {
    if !options.no_build {
        build::run(&build::BuildOptions::default())?;
    }
    let start = Instant::now();
    let home = tempfile::Builder::new()
        .prefix("honeyhive-demo-")
        .tempdir()?;
    let root = workspace::root()?;
    let mut shell = Shell::new(&root, home.path())?;

    note("Start a server on this machine, with a new database. It writes its admin key to a file.");
    let mut server = shell.start_server()?;
    let url = server.url.clone();
    note("Create a project, and a key that can read and write in this project only.");
    shell.set("HH_BASE_URL", &url);
    shell.run(
        "HH_API_KEY_FILE=~/admin.key honeyhive project create docs --description 'Product guides'",
    )?;
    shell.run("HH_API_KEY_FILE=~/admin.key honeyhive auth keys create --name ask-docs --level read_write --project docs --key-file ~/docs.key")?;
    note("Log in. The following commands use the saved key.");
    shell.run("honeyhive auth login --storage file --api-key-stdin < ~/docs.key")?;
    shell.run("honeyhive auth whoami")?;
    shell.run("honeyhive project list")?;
    note(
        "Trace a program. It searches the documentation of HoneyHive for answers, and traces each step.",
    );
    let answers = shell.run(
        "ask_docs --ask 'Where does login keep my key?' --ask 'What happens to spans when the queue is full?' docs/guides/*.md docs/concepts/*.md",
    )?;
    let session = answers
        .lines()
        .find_map(|line| line.strip_prefix("session "))
        .context("ask_docs printed no session; see its output above")?;
    note("Read the trace from the server.");
    shell.run("honeyhive session list")?;
    shell.run(&format!(
        "honeyhive event list --tree --session-id {session}"
    ))?;
    note("Log out. Without a key, no request is sent, and the error has a hint.");
    shell.run("honeyhive auth logout --yes")?;
    shell.expect("honeyhive project list", NO_KEY)?;

    note(&format!("Done in {:.1} s.", start.elapsed().as_secs_f64()));
    if options.keep {
        let home = home.keep();
        server.keep();
        print_line("The server is still running. To use it, run:\n");
        print_line(format_args!("  export HH_BASE_URL={url}"));
        print_line(format_args!(
            "  export HH_API_KEY_FILE={}",
            home.join("admin.key").display()
        ));
        print_line(format_args!(
            "  export PATH={}:$PATH",
            programs()?.display()
        ));
        print_line(format_args!(
            "\nTo stop it, run: kill {}",
            server.child.id()
        ));
    }
    Ok(())
}

/// Prints a description of the next step.
fn note(text: &str) {
    print_line(format_args!("\n# {text}"));
}

/// Runs lines with `sh` in the directory of the workspace, with a temporary home directory and its own variables.
struct Shell<'a> {
    root: &'a Path,
    variables: Vec<(String, String)>,
}

/// A server that is stopped when it is dropped, unless it is kept.
struct DemoServer {
    child: Child,
    url: String,
    kept: bool,
}

impl<'a> Shell<'a> {
    fn new(root: &'a Path, home: &Path) -> Result<Self> {
        let programs = programs()?;
        let outside = env::var_os("PATH").unwrap_or_default();
        let path = [programs.clone(), programs.join("examples")]
            .into_iter()
            .chain(env::split_paths(&outside));
        let path = env::join_paths(path).context("cannot extend PATH")?;
        let variables = [
            ("PATH", path.to_string_lossy().into_owned()),
            ("HOME", home.display().to_string()),
        ];
        Ok(Self {
            root,
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
        })
    }

    fn set(&mut self, name: &str, value: &str) {
        print_line(format_args!("$ export {name}={value}"));
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Prints a line, runs it and prints its output.
    ///
    /// # Errors
    /// Returns an error if the line fails.
    fn run(&self, line: &str) -> Result<String> {
        self.expect(line, 0)
    }

    /// Prints a line, runs it and prints its output and its exit code.
    ///
    /// # Errors
    /// Returns an error if the exit code is not `code`.
    fn expect(&self, line: &str, code: i32) -> Result<String> {
        print_line(format_args!("$ {line}"));
        let output = self.command(&format!("{line} 2>&1")).output();
        let output = output.context("cannot start sh")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        for line in text.lines() {
            print_line(line);
        }
        if code != 0 {
            print_line(format_args!("(exit code {code})"));
        }
        if output.status.code() != Some(code) {
            bail!(
                "`{line}` failed: expected exit code {code}, found {}",
                output.status
            );
        }
        Ok(text)
    }

    fn start_server(&self) -> Result<DemoServer> {
        let line = "honeyhive server start --bind 127.0.0.1:0 --organization 'My Company' --admin me@example.com --admin-key-file ~/admin.key";
        print_line(format_args!("$ {line} &"));
        // `exec` makes the process of the shell that of the server, so that it can be stopped.
        let mut child = self
            .command(&format!("exec {line} 2>&1"))
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start sh")?;
        let output = child.stdout.take().context("the server has no output")?;
        let mut server = DemoServer {
            child,
            url: String::new(),
            kept: false,
        };
        for line in BufReader::new(output).lines() {
            let line = line.context("cannot read the server's output")?;
            print_line(&line);
            if let Some(url) = line.strip_prefix("Listening on ") {
                url.clone_into(&mut server.url);
                return Ok(server);
            }
        }
        bail!("the server did not start; see its output above")
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(self.root)
            .stdin(Stdio::null())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl DemoServer {
    fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for DemoServer {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        process::stop(&mut self.child);
    }
}
