//! Implements the deletions of the model, which are always complete.

use super::*;
use crate::auth::ServerAccess;
use crate::store::deletions::DeletedRows;

impl State {
    fn delete_sessions(&mut self, is_deleted: impl Fn(&ModelSession) -> bool) -> DeletedRows {
        let deleted: Vec<_> = self
            .sessions
            .iter()
            .filter(|session| is_deleted(session))
            .map(|session| session.sid)
            .collect();
        let before = self.events.len();
        self.sessions
            .retain(|session| !deleted.contains(&session.sid));
        self.events.retain(|event| !deleted.contains(&event.sid));
        DeletedRows {
            sessions: deleted.len() as u64,
            events: (before - self.events.len()) as u64,
            is_pending: false,
        }
    }

    fn delete_events(&mut self, is_deleted: impl Fn(&ModelEvent) -> bool) -> DeletedRows {
        let before = self.events.len();
        self.events.retain(|event| !is_deleted(event));
        DeletedRows {
            events: (before - self.events.len()) as u64,
            ..DeletedRows::default()
        }
    }

    fn delete(&mut self, project: i64, target: &DeletionTarget) -> Answer<DeletedRows> {
        let is_session =
            |id: Uuid| move |session: &ModelSession| session.project == project && session.id == id;
        let nothing = DeletedRows::default();
        match target {
            DeletionTarget::Event(id) => {
                let deleted =
                    self.delete_events(|event| event.project == project && event.id == *id);
                if deleted != nothing {
                    return Ok(deleted);
                }
                Err(StoreError::NotFound(
                    if self.sessions.iter().any(is_session(*id)) {
                        format!("event {id} is a session; delete the session instead")
                    } else {
                        format!("event {id} not found")
                    },
                ))
            }
            DeletionTarget::Session(id) => {
                let deleted = self.delete_sessions(is_session(*id));
                if deleted == nothing {
                    return Err(unknown(&format!("session {id}")));
                }
                Ok(deleted)
            }
            DeletionTarget::User(property) => {
                let mut deleted = self.delete_sessions(|session| {
                    session.project == project && property.matches(&session.body)
                });
                deleted.add(self.delete_events(|event| {
                    event.project == project && property.matches(&event.event.body)
                }));
                Ok(deleted)
            }
            DeletionTarget::Project => {
                // The tests have one project at a time.
                self.projects.clear();
                self.deleted.push(project);
                Ok(self.delete_sessions(|session| session.project == project))
            }
        }
    }
}

impl Write<Delete> for Model {
    async fn write(
        &self,
        project: &ProjectAccess,
        command: Delete,
        _: Hold,
    ) -> Answer<DeletedRows> {
        self.transact_as(project.key(), |state| {
            state.delete(project.number(), &command.target)
        })
    }
}

impl Read<CountDeletion> for Model {
    async fn read(&self, project: &ProjectAccess, query: CountDeletion) -> Answer<DeletedRows> {
        let mut state = self.state().clone();
        state.check_live(project.key(), self.clock.key_time())?;
        state.delete(project.number(), &query.target)
    }
}

impl Write<DeleteExpired> for Model {
    async fn write(
        &self,
        _: &ServerAccess,
        DeleteExpired { rule }: DeleteExpired,
        _: Hold,
    ) -> Answer<DeletedRows> {
        self.transact(|state| {
            let mut deleted = state.delete_events(|event| {
                event.project == rule.project && event.event.started < rule.before
            });
            let with_events: Vec<_> = state.events.iter().map(|event| event.sid).collect();
            deleted.add(state.delete_sessions(|session| {
                session.project == rule.project
                    && session.started < rule.before
                    && session.ended < rule.before
                    && !with_events.contains(&session.sid)
            }));
            Ok(deleted)
        })
    }
}
