//! Implements `honeyhive api`, which sends any request with the active key.

use std::path::PathBuf;

use clap::Args;
use hh_sdk::tooling::{self, Method, RawResponse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output;

/// The characters that are escaped in a query: all but the unreserved ones (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[derive(Args)]
pub(crate) struct Arguments {
    /// HTTP method: GET, POST, PUT, PATCH or DELETE
    #[arg(value_name = "METHOD", value_parser = method)]
    method: Method,
    /// Path on the server, e.g. `/v1/projects`
    #[arg(value_name = "PATH", value_parser = target)]
    path: String,
    /// Add a text to the JSON body, or to the query of GET and DELETE (can be repeated)
    #[arg(short = 'f', long = "field", value_name = "NAME=VALUE", value_parser = field)]
    fields: Vec<(String, String)>,
    /// File with the body of the request, `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "fields", value_parser = args::path)]
    input: Option<PathBuf>,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let Arguments {
        method,
        path,
        fields,
        input,
    } = arguments;
    let mut target = path.clone();
    let body = match input {
        Some(file) => input::read(file).map_err(|error| {
            let message = format!("cannot read the body from {}: {error}", file.display());
            CliError::new(Exit::Other, message)
        })?,
        None if fields.is_empty() => Vec::new(),
        None if [Method::GET, Method::DELETE].contains(method) => {
            target = with_query(&target, fields);
            Vec::new()
        }
        None => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.clone())));
            serde_json::to_vec(&fields.collect::<Map<_, _>>())?
        }
    };
    let client = context.client(None)?;
    let response = tooling::send(client, method.clone(), &target, body);
    match context.block_on(response)? {
        RawResponse::Json(document) => {
            let text = output::json_text(&document)?;
            let printer = context.printer();
            printer.object(&document, |_| text.lines().map(str::to_owned).collect())
        }
        RawResponse::Text(text) => output::lines(text.lines()),
        _ => Ok(()),
    }
}

/// Adds parameters to the query of a path.
fn with_query(path: &str, fields: &[(String, String)]) -> String {
    let mut target = path.to_owned();
    for (name, value) in fields {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.extend(utf8_percent_encode(name, ESCAPED));
        target.push('=');
        target.extend(utf8_percent_encode(value, ESCAPED));
    }
    target
}

fn method(text: &str) -> Result<Method, String> {
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let mut known = known.into_iter();
    known
        .find(|method| method.as_str().eq_ignore_ascii_case(text))
        .ok_or_else(|| "expected GET, POST, PUT, PATCH or DELETE".to_owned())
}

/// Checks a path. The base URL is fixed, because the key is only for its server.
fn target(text: &str) -> Result<String, String> {
    let (path, _) = text.split_once('?').unwrap_or((text, ""));
    if path.contains("://") {
        return Err(
            "expected a path such as /v1/projects; --base-url selects the server".to_owned(),
        );
    }
    if text.contains(|character: char| !character.is_ascii_graphic()) || text.contains('#') {
        return Err("expected a path in percent encoding, e.g. %20 for a space".to_owned());
    }
    // A URL parser treats these spellings like `..`.
    let plain = path.to_ascii_lowercase().replace("%2e", ".");
    if plain.split(['/', '\\']).any(|part| part == "..") {
        return Err("expected a path without `..`".to_owned());
    }
    Ok(format!("/{}", text.trim_start_matches('/')))
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
