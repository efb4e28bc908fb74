//! Implements `cargo xtask demo`, which runs a complete example in a shell, from starting a server to reading a trace.
//!
//! A shell runs every line that is printed after `$` unchanged, with its own home directory.

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
    /// Keep the server running, and print the variables to export for further commands
    #[arg(long)]
    keep: bool,
    /// Use the programs from the last build
    #[arg(long)]
    no_build: bool,
}

/// The exit code of the command line for a missing key.
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

    note("A server on this machine, with a database of its own. Its admin key goes into a file.");
    let mut server = shell.start_server()?;
    let url = server.url.clone();
    note("A project, and a key that can read and write in it and nowhere else.");
    shell.set("HH_BASE_URL", &url);
    shell.run(
        "HH_API_KEY_FILE=~/admin.key honeyhive project create docs --description 'Our own guides'",
    )?;
    shell.run("HH_API_KEY_FILE=~/admin.key honeyhive auth keys create --name ask-docs --level read_write --project docs --key-file ~/docs.key")?;
    note("From here on the stored key is used.");
    shell.run("honeyhive auth login --storage file --api-key-stdin < ~/docs.key")?;
    shell.run("honeyhive auth whoami")?;
    shell.run("honeyhive project list")?;
    note("A real program: it looks for answers in this project's docs, and traces each step.");
    let answers = shell.run(
        "ask_docs --ask 'Where does login keep my key?' --ask 'What happens to spans when the queue is full?' docs/guides/*.md docs/concepts/*.md",
    )?;
    let session = answers
        .lines()
        .find_map(|line| line.strip_prefix("session "))
        .context("ask_docs printed no session: its output above says why")?;
    note("The trace, read back from the server.");
    shell.run("honeyhive session list")?;
    shell.run(&format!(
        "honeyhive event list --tree --session-id {session}"
    ))?;
    note("Without a key nothing is sent, and the message says what to do.");
    shell.run("honeyhive auth logout")?;
    shell.expect("honeyhive project list", NO_KEY)?;

    note(&format!("Done in {:.1} s.", start.elapsed().as_secs_f64()));
    if options.keep {
        let home = home.keep();
        server.keep();
        print_line("The server keeps running. To use it:\n");
        print_line(format_args!("  export HH_BASE_URL={url}"));
        print_line(format_args!(
            "  export HH_API_KEY_FILE={}",
            home.join("admin.key").display()
        ));
        print_line(format_args!(
            "  export PATH={}:$PATH",
            programs()?.display()
        ));
        print_line(format_args!("\nTo stop it: kill {}", server.child.id()));
    }
    Ok(())
}

/// Prints a description of the next step.
fn note(text: &str) {
    print_line(format_args!("\n# {text}"));
}

/// Runs lines with `sh` in the folder of the workspace, with its own home directory and variables.
struct Shell<'a> {
    root: &'a Path,
    variables: Vec<(String, String)>,
}

/// A server that is stopped when the demo ends, even after an error.
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
        let path = env::join_paths(path).context("PATH cannot be extended")?;
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
    /// Fails if the line does not succeed.
    fn run(&self, line: &str) -> Result<String> {
        self.expect(line, 0)
    }

    /// Runs a line like [`Shell::run`], and checks that it exits with this code.
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
                "`{line}` ended with {}, not with exit code {code}",
                output.status
            );
        }
        Ok(text)
    }

    fn start_server(&self) -> Result<DemoServer> {
        let line = "honeyhive server start --bind 127.0.0.1:0 --organization 'My Company' --admin me@example.com --admin-key-file ~/admin.key";
        print_line(format_args!("$ {line} &"));
        // With `exec`, the process of the shell becomes that of the server.
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
        bail!("the server did not start: its output above says why")
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
