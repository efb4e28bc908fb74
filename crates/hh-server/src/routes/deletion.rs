//! Deletes events, sessions, the data of users, and projects.

use hh_api::types::{
    DeleteEvent, DeleteProject, DeleteSession, DeleteUserData, Deleted, DeletedData,
};
use hh_auth::Projects;
use uuid::Uuid;

use super::Call;
use crate::app::App;
use crate::auth::{ProjectAccess, authorize_named, authorize_project};
use crate::domain::user_property::UserProperty;
use crate::http::error::ApiError;
use crate::otlp::session_id;
use crate::store::{CountDeletion, Delete, DeletionTarget};

/// Deletes an event.
pub(super) async fn delete_event(
    app: &App,
    call: Call,
    input: DeleteEvent,
) -> Result<Deleted, ApiError> {
    let project = authorize_project(&app.store, &call.access, input.project.as_deref())?;
    let id = Uuid::try_parse(&input.event_id)
        .map_err(|_| ApiError::invalid("event_id must be a UUID"))?;
    let data = run(app, &project, DeletionTarget::Event(id), input.dry_run).await?;
    Ok(deleted(id, data))
}

/// Deletes a session and its events.
pub(super) async fn delete_session(
    app: &App,
    call: Call,
    input: DeleteSession,
) -> Result<Deleted, ApiError> {
    let project = authorize_project(&app.store, &call.access, input.project.as_deref())?;
    let id = session_id(project.id(), &input.session_id);
    let data = run(app, &project, DeletionTarget::Session(id), input.dry_run).await?;
    Ok(deleted(id, data))
}

/// Deletes the events and sessions of a user.
pub(super) async fn delete_user_data(
    app: &App,
    call: Call,
    input: DeleteUserData,
) -> Result<DeletedData, ApiError> {
    let project = authorize_named(&app.store, &call.access, Some(&input.project_id), None)?;
    let property = UserProperty::parse(input.user_property, input.value)?;
    run(app, &project, DeletionTarget::User(property), input.dry_run).await
}

/// Deletes a project. Like its creation, this requires a key that applies to all projects.
pub(super) async fn delete_project(
    app: &App,
    call: Call,
    input: DeleteProject,
) -> Result<DeletedData, ApiError> {
    let project = authorize_named(&app.store, &call.access, Some(&input.project_id), None)?;
    if call.access.record().grant.projects != Projects::All {
        return Err(ApiError::forbidden(
            "this key does not apply to all projects; use a key for all projects to delete one",
        ));
    }
    run(app, &project, DeletionTarget::Project, input.dry_run).await
}

fn deleted(id: Uuid, data: DeletedData) -> Deleted {
    Deleted {
        success: true,
        deleted: id.to_string(),
        data,
    }
}

/// Deletes a part of a project, or only counts what would be deleted.
async fn run(
    app: &App,
    project: &ProjectAccess,
    target: DeletionTarget,
    dry_run: bool,
) -> Result<DeletedData, ApiError> {
    let rows = if dry_run {
        app.store.read(project, CountDeletion { target }).await?
    } else {
        app.store.write(project, Delete { target }).await?
    };
    Ok(DeletedData {
        sessions: rows.sessions,
        events: rows.events,
        dry_run,
        complete: !rows.is_pending,
    })
}
