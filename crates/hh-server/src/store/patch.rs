//! Patches of events and sessions.

use std::ops::ControlFlow;
use std::sync::Arc;

use hh_api::types::EventPatch;
use rusqlite::{Connection, params};

use super::body::{encode_within, from_millis};
use super::large_bodies;
use super::merge::{Change, Done, Location, MAX_MERGED, Rights, SMALL, Table, Target};
use super::stored_body::StoredBody;
use super::{Store, StoreError};
use crate::access::InProject;
use crate::body::Reservation;

impl Store {
    /// Merges into an event or a session.
    ///
    /// # Errors
    /// `NotFound` if there is no such event, or none that the key may change; `TooLarge` if the event is larger than
    /// [`MAX_MERGED`], or would be.
    pub(crate) async fn update_event(
        &self,
        project: &InProject,
        rights: Rights,
        patch: EventPatch,
        hold: Reservation,
    ) -> Result<(), StoreError> {
        let patch = Patch {
            project: project.number(),
            only_family: rights.only_family,
            is_small: encode_within(&patch, SMALL).is_some(),
            sent: patch,
        };
        self.merge(project.key(), project.family(), Arc::new(patch), hold)
            .await?;
        Ok(())
    }
}

struct Patch {
    project: i64,
    /// The only family whose events it may change.
    only_family: Option<i64>,
    is_small: bool,
    sent: EventPatch,
}

impl Change for Patch {
    fn is_small(&self) -> bool {
        self.is_small
    }

    fn find(&self, connection: &Connection) -> Result<ControlFlow<Done, Target>, StoreError> {
        let id = self.sent.event_id;
        // Any client may choose the id of a session, also that of an event; nobody can choose the id of an event. So the
        // event comes first: a session under its id must not divert its patches.
        for table in [Table::Events, Table::Sessions] {
            let location = Location {
                table,
                project: self.project,
                id,
            };
            let Some(target) = location.find(connection)? else {
                continue;
            };
            if let Some(family) = self.only_family
                && !location.is_of(connection, family)?
            {
                continue;
            }
            if target.size > MAX_MERGED {
                return Err(StoreError::TooLarge(
                    "the event is stored with more than 1 MiB and cannot be changed; send less in one event, or send it as several"
                        .to_owned(),
                ));
            }
            return Ok(ControlFlow::Continue(target));
        }
        Err(StoreError::NotFound(format!("there is no event {id}")))
    }

    fn merge(&self, _: &Target, stored: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let (mut body, sent) = (StoredBody::parse(stored)?, &self.sent);
        for (member, change) in [
            (&mut body.metadata, &sent.metadata),
            (&mut body.feedback, &sent.feedback),
            (&mut body.metrics, &sent.metrics),
            (&mut body.config, &sent.config),
            (&mut body.user_properties, &sent.user_properties),
        ] {
            if let Some(change) = change {
                member.set(change);
            }
        }
        if let Some(outputs) = &sent.outputs {
            body.set_outputs(outputs);
        }
        encode_within(&body, MAX_MERGED)
            .map(Some)
            .ok_or_else(too_large)
    }

    fn save(
        &self,
        connection: &Connection,
        target: &Target,
        body: &[u8],
    ) -> Result<(), StoreError> {
        let sql = match target.location.table {
            Table::Sessions => {
                "UPDATE sessions SET body = ?3, ended = ?4 WHERE project = ?1 AND id = ?2"
            }
            Table::Events => {
                "UPDATE events SET body = ?3, ended = ?4 WHERE project = ?1 AND id = ?2"
            }
        };
        let ended = new_end(&self.sent, target.started, target.ended);
        let id = target.location.id;
        let in_row = match target.location.table {
            Table::Sessions => {
                large_bodies::save(connection, self.project, id, body)?;
                large_bodies::in_row(body)
            }
            Table::Events => body,
        };
        connection.prepare_cached(sql)?.execute(params![
            self.project,
            id.as_bytes(),
            in_row,
            ended
        ])?;
        Ok(())
    }
}

/// Refuses a merge of which the result is too large.
pub(super) fn too_large() -> StoreError {
    StoreError::TooLarge(
        "the event would be stored with more than 1 MiB; send less in one event, or send it as several"
            .to_owned(),
    )
}

/// The end that a patch sets: by its time, else by its duration, else none.
fn new_end(patch: &EventPatch, started: i64, ended: i64) -> i64 {
    match (patch.end_time, patch.duration) {
        (Some(time), _) => from_millis(time).max(started),
        (None, Some(duration)) => started.saturating_add(from_millis(duration).max(0)),
        (None, None) => ended,
    }
}
