//! Groups the traces of an export into sessions.

use std::collections::HashMap;

use super::map::MappedSpan;

/// Assigns the sessions and their names within one export.
///
/// Instrumentations name the session or the conversation only in some spans of a trace, for example in the calls of a
/// model. The other spans of the trace join this session, unless earlier spans of the trace are stored in another one. A
/// session that spans create is named by them, or else after its first span without a parent.
pub(super) fn assign_sessions(spans: &mut [MappedSpan]) {
    let mut sessions = HashMap::<[u8; 16], (bool, String)>::new();
    for span in &*spans {
        if let Some(session) = &span.session {
            let known = sessions.get(&span.trace_id);
            // A session that is not inferred comes first.
            if known.is_none_or(|(is_inferred, _)| *is_inferred && !span.joins_trace) {
                sessions.insert(span.trace_id, (span.joins_trace, session.clone()));
            }
        }
    }
    if !sessions.is_empty() {
        for span in spans.iter_mut().filter(|span| span.joins_trace) {
            let session = sessions.get(&span.trace_id);
            span.session = session.map(|(_, session)| session.clone());
        }
    }
    // A name that a span sets comes before the name of a root span, and an earlier span before a later one.
    let mut names = HashMap::<Vec<u8>, (bool, i64, String)>::new();
    for span in &*spans {
        let (is_guessed, name) = match &span.session_name {
            Some(name) => (false, name),
            None if span.parent_span_id.is_none() && span.parent.is_none() => (true, &span.name),
            None => continue,
        };
        let rank = (is_guessed, span.started);
        let known = names.get(span.session_key());
        if known.is_none_or(|(is_guessed, started, _)| rank < (*is_guessed, *started)) {
            let name = (is_guessed, span.started, name.clone());
            names.insert(span.session_key().to_vec(), name);
        }
    }
    for span in spans {
        if let Some((_, _, name)) = names.get(span.session_key()) {
            span.session_name = Some(name.clone());
        }
    }
}
