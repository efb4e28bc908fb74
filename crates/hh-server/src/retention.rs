//! Deletes events that are older than the retention of their project.

use std::time::Duration;

use crate::app::App;
use crate::auth::delete_expired;
use crate::domain::retention::first_kept;
use crate::quote::quote;
use crate::store::RetentionRule;

/// The time between two searches for expired events.
const INTERVAL: Duration = Duration::from_mins(10);

/// Deletes expired events immediately and then at regular times. Never returns.
pub(crate) async fn run(app: &App) {
    warn_of_unknown_projects(app);
    loop {
        apply(app).await;
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Logs the projects with a retention of their own that do not exist. Their names may be misspelled.
pub(crate) fn warn_of_unknown_projects(app: &App) {
    for project in app.retention().projects.keys() {
        if app.store.project_by_name(project).is_none() {
            tracing::warn!(
                project = quote(project),
                "project_retention_days names a project that does not exist",
            );
        }
    }
}

/// Deletes the events that have expired, and logs their number.
pub(crate) async fn apply(app: &App) {
    // A deletion cannot be undone, so a clock that is wrong must not cause it.
    let now = app.clock.certain();
    for project in app.store.projects() {
        let Some(days) = app.retention().days(&project.name) else {
            continue;
        };
        let rule = RetentionRule {
            project: project.id.number(),
            before: first_kept(now, days),
        };
        match delete_expired(app, rule).await {
            Ok(deleted) if deleted.sessions + deleted.events > 0 => tracing::info!(
                project = project.name,
                retention_days = days,
                events = deleted.events,
                sessions = deleted.sessions,
                "deleted expired events",
            ),
            Ok(_) => {}
            Err(error) => tracing::warn!(
                project = project.name,
                cause = %error,
                "cannot delete expired events; the next attempt is in {} minutes",
                INTERVAL.as_secs() / 60,
            ),
        }
    }
}

#[cfg(test)]
mod tests;
