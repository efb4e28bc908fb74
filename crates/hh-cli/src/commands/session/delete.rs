//! Implements `honeyhive session delete`.

use clap::Args;

use crate::args;
use crate::context::Context;
use crate::deletion::{self, Options, Target};
use crate::error::CliError;
use crate::lazy::with_examples;
use crate::sessions::{session_id, whole_id};

#[derive(Args)]
#[command(after_help = with_examples(&[
        "honeyhive session delete 3f2a91bc --dry-run",
        "honeyhive session delete 3f2a91bc",
    ]))]
pub(crate) struct Delete {
    /// Session ID or its beginning, at least 8 characters
    #[arg(value_parser = session_id)]
    id: String,
    /// Project name (defaults to the only project of the key, or `default`)
    #[arg(long, value_name = "NAME", value_parser = args::name)]
    project: Option<String>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(context: &Context, arguments: &Delete) -> Result<(), CliError> {
    arguments.options.check()?;
    let client = context.client(arguments.project.as_deref())?;
    let session_id = whole_id(context, client, &arguments.id)?;
    let target = Target::Session { session_id };
    deletion::run(context, client, &target, &arguments.options)
}
