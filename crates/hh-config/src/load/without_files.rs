//! Rejects the settings that name configuration files, for builds without the feature `files`.

use hh_text::Diagnostic;

use crate::{Env, LoadErrorKind, Problem, Stack, names};

/// Adds no layer. A file that the user named must not be ignored silently: its values may be essential.
pub(super) fn add(mut stack: Stack, _: &Env) -> Stack {
    for name in [names::ENV_FILE, names::CONFIG_FILE, names::ENVIRONMENT] {
        let Some(found) = stack.text_or_problem(name) else {
            continue;
        };
        let place = found.provenance.place();
        let what = Diagnostic::new(format!(
            "{name} ({place}) requires configuration files, which this program does not support"
        ))
        .with_hint(format!("unset {place}"));
        let problem = Problem::new(LoadErrorKind::Unreadable, what).of(name, found.provenance);
        stack.add_problems([problem]);
    }
    stack
}
