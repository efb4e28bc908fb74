//! Implements `honeyhive server`.

mod health;
mod log;
mod openapi;

use std::future::pending;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{Args, Subcommand};
use hh_sdk::config::paths;
use hh_server::{FirstKey, Server, ServerOptions, StartErrorKind, parse_bind};
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::args;
use crate::context::Context;
use crate::error::{CliError, diagnostic};
use crate::exit::Exit;
use crate::interrupt::stop_signal;
use crate::lazy::LazyCommand;
use crate::{output, ui};
use log::{LogFormat, LogLevel};

/// The maximum number of threads. Each uses four file descriptors, and many systems limit a process to 1,024. The
/// single thread that writes to the database limits the throughput before this number of threads does.
const MAX_THREADS: NonZero<usize> = NonZero::new(16).unwrap();

/// The time limit to connect to the own address.
const CONNECT: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a local server (stop it with Ctrl-C or SIGTERM; SIGHUP reloads server.yaml)
    Start(LazyCommand<Start>),
    /// Check that a server responds, without an API key
    Health(LazyCommand<health::Health>),
    /// Print the OpenAPI 3.1 document of the API
    #[command(name = "openapi")]
    OpenApi(LazyCommand<openapi::OpenApi>),
}

#[derive(Args)]
pub(crate) struct Start {
    /// Address to listen on: PORT or localhost:PORT (this machine only), :PORT (all interfaces) or ADDRESS:PORT; port 0
    /// picks a free port [default: 127.0.0.1:8642]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_bind)]
    bind: Option<SocketAddr>,
    /// Data directory, created if missing [default: ~/.local/share/honeyhive/server]
    #[arg(long, value_name = "DIR", value_parser = args::path)]
    data_dir: Option<PathBuf>,
    /// Name of the organization (first start only) [default: My Organization]
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    organization: Option<String>,
    /// E-mail address of the first admin (first start only) [default: admin@localhost]
    #[arg(long, value_name = "EMAIL", value_parser = args::name)]
    admin: Option<String>,
    /// Write the first admin key to a new file that only you can read, instead of printing it
    #[arg(long, value_name = "FILE", value_parser = args::path)]
    admin_key_file: Option<PathBuf>,
    /// Create a new database if the previous one is missing (never deletes data)
    #[arg(long)]
    new_database: bool,
    /// Log format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// Minimum log level
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    log_level: LogLevel,
    /// Also log successful requests (at level info)
    #[arg(long)]
    access_log: bool,
}

pub(super) fn run(context: &Context, command: Command) -> Result<(), CliError> {
    match command {
        Command::Start(LazyCommand(arguments)) => start(context, arguments),
        Command::Health(LazyCommand(_)) => health::run(context),
        Command::OpenApi(LazyCommand(_)) => openapi::run(),
    }
}

fn start(context: &Context, arguments: Start) -> Result<(), CliError> {
    let data_dir = arguments
        .data_dir
        .or_else(|| paths::server_dir(context.env()))
        .ok_or_else(|| {
            let message = "cannot determine the data directory: HOME is not an absolute path";
            CliError::new(Exit::Config, message).with_hint("specify --data-dir")
        })?;
    let first_only = [
        ("--organization", arguments.organization.is_some()),
        ("--admin", arguments.admin.is_some()),
        ("--admin-key-file", arguments.admin_key_file.is_some()),
        ("--new-database", arguments.new_database),
    ];
    let given = first_only.into_iter().filter(|(_, is_given)| *is_given);
    let first_only: Vec<_> = given.map(|(option, _)| option).collect();
    let mut options = ServerOptions::new(data_dir)
        .with_new_database(arguments.new_database)
        .with_access_log(arguments.access_log);
    if let Some(address) = arguments.bind {
        options = options.with_bind(address);
    }
    if let Some(name) = arguments.organization {
        options = options.with_organization(name);
    }
    if let Some(email) = arguments.admin {
        options = options.with_admin(email);
    }
    if let Some(path) = arguments.admin_key_file {
        options = options.with_admin_key_file(path);
    }
    log::install(arguments.log_format, arguments.log_level);
    let threads = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    options = options.with_threads(threads.min(MAX_THREADS));
    // This thread only accepts connections; other threads serve them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Other, error.to_string()))?;
    runtime.block_on(serve(context, options, &first_only))
}

async fn serve(
    context: &Context,
    options: ServerOptions,
    first_only: &[&str],
) -> Result<(), CliError> {
    // SIGHUP must not stop a server that is still starting, so its handler is registered first.
    let mut hangup = signal(SignalKind::hangup())
        .map_err(|error| CliError::new(Exit::Other, error.to_string()))?;
    let mut server = Server::start(options).await.map_err(|error| {
        let exit = match error.kind() {
            StartErrorKind::AdminKeyFile | StartErrorKind::Damaged => Exit::Config,
            StartErrorKind::Invalid => Exit::Usage,
            StartErrorKind::Address | StartErrorKind::DataDir | StartErrorKind::Internal | _ => {
                Exit::Other
            }
        };
        CliError::new(exit, diagnostic(error.message(), error.hint()))
    })?;
    match server.take_first_key() {
        Some(FirstKey::Show { key, admin }) => show_first_key(&key, &admin),
        Some(FirstKey::InFile { path, admin }) => {
            context.success(&format!(
                "Wrote the admin key of {admin} to {}",
                path.display()
            ));
        }
        Some(_) | None => {
            if let Some(options) = listed(first_only) {
                context.note(&format!(
                    "warning: the database already exists, so {options} no effect"
                ));
            }
        }
    }
    // Registers the signal handlers before the address is printed, because a caller may then stop the server.
    let stop = stop_signal()?;
    let (bound, usable) = (server.address(), reachable(server.address()));
    output::lines([format!("Listening on http://{usable}")])?;
    if bound != usable {
        context.note(&format!("Accepts connections to all addresses ({bound})"));
    }
    context.note(&format!(
        "To use it, run: export HH_BASE_URL=http://{usable}"
    ));
    let reloader = server.reloader();
    let reload = async {
        while hangup.recv().await.is_some() {
            reloader.reload();
        }
        pending::<()>().await;
    };
    tokio::select! {
        () = server.run(stop) => {}
        () = reload => {}
    }
    context.success("Stopped");
    Ok(())
}

/// Returns the options as the subject of a sentence, with its verb; `None` without options.
fn listed(options: &[&str]) -> Option<String> {
    let (last, others) = options.split_last()?;
    Some(if others.is_empty() {
        format!("{last} has")
    } else {
        format!("{} and {last} have", others.join(", "))
    })
}

/// Returns an address that clients on this machine can use: a server that listens on all addresses is also on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let ipv4 = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port());
    let ipv6 = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port());
    // Many containers accept IPv4 connections at [::], and have no address [::1].
    let has_ipv6 = || TcpStream::connect_timeout(&ipv6, CONNECT).is_ok();
    if address.is_ipv6() && has_ipv6() {
        ipv6
    } else {
        ipv4
    }
}

/// Prints the first admin key, even with `--quiet`, because it cannot be printed again.
#[expect(
    clippy::disallowed_methods,
    reason = "prints the first admin key, once"
)]
fn show_first_key(key: &hh_sdk::auth::ApiKey, admin: &str) {
    ui::print_line(&format!(
        "Admin key of {admin} (printed only once; save it, or log in with it now):"
    ));
    ui::key(key.secret().expose_secret());
}
