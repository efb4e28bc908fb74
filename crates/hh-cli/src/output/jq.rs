//! Applies jq filters to results.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, data, unwrap_valr};
use jaq_json::Val;

use super::document::text;
use crate::error::CliError;
use crate::exit::Exit;

/// Checks that a filter is valid.
pub(crate) fn check(filter: &str) -> Result<(), CliError> {
    compile(filter).map(drop)
}

/// Applies a filter and passes each output to `print`: a string without quotes, and compact JSON for everything else.
///
/// A filter can have any number of outputs. The error of a filter comes after the outputs that it has produced.
pub(crate) fn apply(
    filter: &str,
    input: Val,
    mut print: impl FnMut(String) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let compiled = compile(filter)?;
    let context = Ctx::<data::JustLut<Val>>::new(&compiled.lut, Vars::new([]));
    for output in compiled.id.run((context, input)).map(unwrap_valr) {
        match output {
            Ok(Val::Null) => print("null".to_owned())?,
            Ok(output) => print(text(&output))?,
            Err(error) => {
                let failed = format!("--jq: {}", without_values(&error.to_string()));
                return Err(CliError::new(Exit::Other, failed));
            }
        }
    }
    Ok(())
}

fn compile(filter: &str) -> Result<Filter<data::JustLut<Val>>, CliError> {
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
    let modules = Loader::new(definitions).load(&arena, program);
    let modules = modules.map_err(|_| invalid("syntax error"))?;
    let compiled = Compiler::default().with_funs(functions).compile(modules);
    compiled.map_err(|errors| {
        let mut undefined = errors.iter().flat_map(|(_, errors)| errors);
        let why = undefined.next().map_or_else(
            || "syntax error".to_owned(),
            |(name, _)| format!("{name} is not defined"),
        );
        invalid(&why)
    })
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
