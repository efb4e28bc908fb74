//! Applies jq filters to results.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::Val;

use super::document::text;
use crate::error::CliError;
use crate::exit::Exit;

/// Applies a filter and returns one text for each output: a string without quotes, and compact JSON for everything else.
///
/// The error of a filter comes after the outputs that it has produced.
pub(crate) fn apply(filter: &str, input: Val) -> (Vec<String>, Result<(), CliError>) {
    let program = File {
        code: filter,
        path: (),
    };
    let definitions = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs());
    // Filters cannot read the environment, which can contain the API key.
    let standard = jaq_std::funs().filter(|(name, ..)| *name != "env");
    let functions = jaq_core::funs().chain(standard).chain(jaq_json::funs());
    let arena = Arena::default();
    let Ok(modules) = Loader::new(definitions).load(&arena, program) else {
        return (Vec::new(), Err(invalid("syntax error")));
    };
    let compiled = match Compiler::default().with_funs(functions).compile(modules) {
        Ok(compiled) => compiled,
        Err(errors) => {
            let mut undefined = errors.iter().flat_map(|(_, errors)| errors);
            let why = undefined.next().map_or_else(
                || "syntax error".to_owned(),
                |(name, _)| format!("{name} is not defined"),
            );
            return (Vec::new(), Err(invalid(&why)));
        }
    };
    let context = Ctx::<data::JustLut<Val>>::new(&compiled.lut, Vars::new([]));
    let mut outputs = Vec::new();
    for output in compiled.id.run((context, input)).map(unwrap_valr) {
        match output {
            Ok(Val::Null) => outputs.push("null".to_owned()),
            Ok(output) => outputs.push(text(&output)),
            Err(error) => {
                let failed = format!("--jq: {}", without_values(&error.to_string()));
                return (outputs, Err(CliError::new(Exit::Other, failed)));
            }
        }
    }
    (outputs, Ok(()))
}

/// Returns the error message of a filter without the values, which are parts of the result and can be long or secret.
fn without_values(error: &str) -> String {
    let expected = error.rsplit_once(" as ").map(|(_, expected)| expected);
    match expected {
        Some(expected) if error.starts_with("cannot use ") => {
            format!("cannot use a value as {expected}")
        }
        _ if error.starts_with("cannot index ") => "cannot index a value of this type".to_owned(),
        _ if error.starts_with("cannot calculate ") => {
            "cannot calculate with values of these types".to_owned()
        }
        _ if error.starts_with("invalid path expression ") => "invalid path expression".to_owned(),
        _ => "the filter failed".to_owned(),
    }
}

fn invalid(why: &str) -> CliError {
    CliError::usage(format!("invalid value for --jq: {why}"))
        .with_hint("see https://jqlang.org/manual for the language; --output json shows the input")
}
