//! Applies patches to events and sessions.

use std::ops::ControlFlow;
use std::sync::Arc;

use hh_api::types::EventPatch;
use rusqlite::Connection;

use super::engine::Sqlite;
use super::merge::{Change, ChangeOutcome, Location, MergedBody, SMALL, Table, Target};
use crate::auth::ProjectAccess;
use crate::domain::event_body::encode_within;
use crate::domain::events::{self, Rights};
use crate::store::commands::UpdateEvent;
use crate::store::port::{Hold, StoreError, Write};

impl Write<UpdateEvent> for Sqlite {
    async fn write(
        &self,
        project: &ProjectAccess,
        command: UpdateEvent,
        hold: Hold,
    ) -> Result<(), StoreError> {
        let UpdateEvent {
            rights,
            patch,
            latest_end,
        } = command;
        let patch = Patch {
            project: project.number(),
            rights,
            is_small: encode_within(&patch, SMALL).is_some(),
            sent: patch,
            latest_end,
        };
        self.merge(project.key(), project.family(), Arc::new(patch), hold)
            .await?;
        Ok(())
    }
}

struct Patch {
    project: i64,
    rights: Rights,
    is_small: bool,
    sent: EventPatch,
    latest_end: i64,
}

impl Change for Patch {
    fn is_small(&self) -> bool {
        self.is_small
    }

    fn find(
        &self,
        connection: &Connection,
    ) -> Result<ControlFlow<ChangeOutcome, Target>, StoreError> {
        let id = self.sent.event_id;
        // Events are searched first. Any client can choose the id of a session, even the id of an existing event, and a
        // session with the id of an event must not receive patches of the event. A key that may not change all events
        // cannot create an event with the id of a session.
        for table in [Table::Events, Table::Sessions] {
            let location = Location {
                table,
                project: self.project,
                id,
            };
            let Some(target) = location.find(connection)? else {
                continue;
            };
            if !location.may_change(connection, self.rights)? {
                continue;
            }
            events::check_size(target.size)?;
            return Ok(ControlFlow::Continue(target));
        }
        Err(StoreError::NotFound(format!("event {id} not found")))
    }

    fn merge(&self, _: &Target, stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(Some(events::merge_patch(stored, &self.sent)?))
    }

    fn save(
        &self,
        connection: &Connection,
        target: &Target,
        body: &MergedBody,
    ) -> Result<(), StoreError> {
        let ended = events::patched_end(&self.sent, target.started, target.ended, self.latest_end);
        target.save(connection, body, target.started, ended)
    }
}
