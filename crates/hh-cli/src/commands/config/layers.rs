//! The layers that the commands show, and what is wrong with them.

use hh_sdk::config::{Consumer, LoadError, Problem, SettingName, Stack, names};
use hh_sdk::tooling::{self, Layers};
use hh_text::Diagnostic;

use crate::context::Context;
use crate::error::{CliError, diagnostic, of_problem};

/// Returns all layers, after their warnings are printed.
pub(super) fn layers(context: &Context) -> Layers {
    let layers = context.layers();
    warn(context, &layers.stack);
    layers
}

/// Prints the warnings of layers.
pub(super) fn warn(context: &Context, stack: &Stack) {
    for warning in tooling::warnings(stack) {
        context.note(&format!("warning: {warning}"));
    }
}

/// Returns what is wrong with one setting, or with a place that may set it.
pub(super) fn problems_of(layers: &Layers, name: SettingName) -> Vec<Diagnostic> {
    let is_about = |problem: &&Problem| {
        problem
            .setting()
            .is_none_or(|other| other == name || other.spec().acts_on == Consumer::Loading)
    };
    let problems = layers.stack.problems();
    let problems = problems.iter().filter(is_about).map(of_problem);
    // The store holds these two alone.
    let is_stored = [names::API_KEY, names::BASE_URL].contains(&name);
    let store = layers.store_error.iter().filter(|_| is_stored);
    let of_store = |error: &hh_sdk::Error| diagnostic(error.message(), error.hint());
    problems.chain(store.map(of_store)).collect()
}

/// Fails with what is wrong in the layers, after what there is was printed: people come here to find it.
pub(super) fn result(layers: Layers) -> Result<(), CliError> {
    if let Some(error) = layers.store_error {
        return Err(error.into());
    }
    match LoadError::of_all(layers.stack.problems()) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
