//! Implements sessions and events of the model.

use hh_api::to_millis;
use hh_api::types::{EventKind, FoundSession};
use uuid::Uuid;

use super::super::super::page::{PageBuilder, PageEnd, Position, StoredEvent, render};
use super::*;
use crate::auth::{Access, ProjectAccess};
use crate::domain::event_body::EventBody;
use crate::domain::event_ids::IdScheme;
use crate::domain::events;
use crate::domain::sessions::{Extent, StoredSession, UNNAMED, changes, merge_start};

impl State {
    fn session(&self, project: i64, id: Uuid) -> Option<usize> {
        let mut sessions = self.sessions.iter();
        sessions.position(|session| session.project == project && session.id == id)
    }

    /// Returns the number of a new session, which is one more than the largest.
    fn next_sid(&self) -> i64 {
        let sids = self.sessions.iter().map(|session| session.sid);
        sids.max().unwrap_or(0) + 1
    }

    fn by_sid(&self, sid: i64) -> &ModelSession {
        let mut sessions = self.sessions.iter();
        sessions.find(|session| session.sid == sid).unwrap()
    }

    fn session_event(&self, place: usize) -> StoredEvent<'_> {
        let session = &self.sessions[place];
        StoredEvent {
            id: session.id,
            session: session.id,
            parent: None,
            kind: EventKind::Session,
            name: &session.name,
            started: session.started,
            ended: session.ended,
            body: &session.body,
        }
    }

    fn insert_event(&mut self, project: &ProjectAccess, event: &NewEvent) -> Answer<()> {
        if self.deleted.contains(&project.number()) {
            return Ok(());
        }
        let times = Extent {
            started: event.started,
            ended: event.ended,
        };
        let found = self.session(project.number(), event.session);
        let id = found.map_or(event.session, |place| self.sessions[place].id);
        let (id, parent) = event.identity.ids(IdScheme::TracePrefix, id);
        let mut events = self.events.iter();
        if events.any(|other| other.project == project.number() && other.id == id) {
            return Ok(());
        }
        let place = if let Some(place) = found {
            let session = &mut self.sessions[place];
            if let Some(name) = &event.session_name
                && session.is_implicit
                && session.name == UNNAMED
            {
                session.name.clone_from(name);
            }
            place
        } else {
            let body = EventBody {
                source: event.source.clone(),
                ..EventBody::default()
            };
            let name = event.session_name.as_deref().unwrap_or(UNNAMED);
            self.sessions.push(ModelSession {
                sid: self.next_sid(),
                project: project.number(),
                id: event.session,
                name: name.to_owned(),
                started: event.started,
                listed: event.started,
                ended: event.ended,
                is_implicit: true,
                body: body.encode()?,
                family: project.family(),
            });
            self.sessions.len() - 1
        };
        self.events.push(ModelEvent {
            project: project.number(),
            sid: self.sessions[place].sid,
            id,
            parent,
            event: event.clone(),
            family: project.family(),
        });
        let session = &mut self.sessions[place];
        let stored = Extent {
            started: session.started,
            ended: session.ended,
        };
        let joined = stored.join(times);
        session.ended = joined.ended;
        if session.is_implicit {
            session.started = joined.started;
        }
        Ok(())
    }
}

impl Write<InsertEvents> for Model {
    async fn write(&self, access: &Access, command: InsertEvents, _: Hold) -> Answer<()> {
        self.transact_as(access.record().key_id, |state| {
            for (project, events) in &command.batches {
                for group in events::by_session(events, |event| event.session) {
                    let known = state.sessions.len();
                    for event in group {
                        state.insert_event(project, event)?;
                    }
                    // A new session is stored after its events, with their times.
                    for session in &mut state.sessions[known..] {
                        session.listed = session.started;
                    }
                }
            }
            Ok(())
        })
    }
}

impl Write<UpdateEvent> for Model {
    async fn write(&self, project: &ProjectAccess, command: UpdateEvent, _: Hold) -> Answer<()> {
        let UpdateEvent {
            rights,
            patch,
            latest_end,
        } = command;
        let number = project.number();
        self.transact_as(project.key(), |state| {
            let id = patch.event_id;
            let mut events = state.events.iter_mut();
            let event = events.find(|event| event.project == number && event.id == id);
            if let Some(event) = event
                && rights.can_change(Some(event.family))
            {
                let event = &mut event.event;
                events::check_size(event.body.len())?;
                event.body = events::merge_patch(&event.body, &patch)?;
                event.ended = events::patched_end(&patch, event.started, event.ended, latest_end);
                return Ok(());
            }
            let session = state.session(number, id).map(|at| &mut state.sessions[at]);
            let session = session.filter(|session| rights.can_change(Some(session.family)));
            let missing = || StoreError::NotFound(format!("event {id} not found"));
            let session = session.ok_or_else(missing)?;
            events::check_size(session.body.len())?;
            session.body = events::merge_patch(&session.body, &patch)?;
            session.ended = events::patched_end(&patch, session.started, session.ended, latest_end);
            Ok(())
        })
    }
}

impl Write<StartSession> for Model {
    async fn write(
        &self,
        project: &ProjectAccess,
        command: StartSession,
        _: Hold,
    ) -> Answer<Vec<u8>> {
        let (StartSession { rights, session }, number) = (command, project.number());
        self.transact_as(project.key(), |state| {
            let sent = ModelSession {
                sid: state.next_sid(),
                project: number,
                id: session.id,
                name: session.name.clone(),
                started: session.started,
                listed: session.started,
                ended: session.ended,
                is_implicit: false,
                body: session.encoded.clone(),
                family: project.family(),
            };
            let Some(place) = state.session(number, session.id) else {
                state.sessions.push(sent);
                return render(
                    &state.session_event(state.sessions.len() - 1),
                    project.public(),
                );
            };
            let stored = &mut state.sessions[place];
            let is_implicit = stored.is_implicit;
            let facts = StoredSession {
                is_implicit,
                size: stored.body.len(),
                may_change: rights.can_change(Some(stored.family)),
            };
            if changes(&session.body, rights, facts)
                && let Some(body) = merge_start(
                    &stored.body,
                    &session.body,
                    &session.encoded,
                    rights,
                    is_implicit,
                )?
            {
                if is_implicit {
                    stored.name.clone_from(&session.name);
                    stored.started = stored.started.min(session.started);
                    stored.ended = stored.ended.max(session.ended);
                    stored.is_implicit = false;
                    stored.family = project.family();
                }
                stored.body = body;
            }
            if rights.can_read {
                return render(&state.session_event(place), project.public());
            }
            // The answer is the sent session, as if it had been stored.
            let mut alone = State::default();
            alone.sessions.push(sent);
            render(&alone.session_event(0), project.public())
        })
    }
}

impl Read<FindSessions> for Model {
    async fn read(
        &self,
        project: &ProjectAccess,
        query: FindSessions,
    ) -> Answer<Vec<FoundSession>> {
        let state = self.state();
        state.check_live(project.key(), self.clock.key_time())?;
        let mut found: Vec<_> = state
            .sessions
            .iter()
            .filter(|session| session.project == project.number())
            .filter(|session| query.ids.contains(&session.id))
            .map(|session| FoundSession {
                session_id: session.id,
                session_name: session.name.clone(),
                start_time: to_millis(session.started),
            })
            .collect();
        found.sort_by_key(|session| session.session_id);
        found.truncate(query.limit as usize);
        Ok(found)
    }
}

impl State {
    /// Returns the sessions and events of a project with their positions, latest first. With a cursor, the position of
    /// a session does not change with its start.
    fn sorted(&self, project: i64, has_cursor: bool) -> Vec<(Position, StoredEvent<'_>)> {
        let sessions = (0..self.sessions.len()).map(|place| {
            let stored = self.session_event(place);
            let session = &self.sessions[place];
            let started = if has_cursor {
                session.listed
            } else {
                session.started
            };
            let position = Position {
                started,
                sid: session.sid,
                id: None,
            };
            (session.project, position, stored)
        });
        let events = self.events.iter().map(|found| {
            let stored = self.stored_event(found);
            let position = Position {
                started: stored.started,
                sid: found.sid,
                id: Some(found.id.into_bytes()),
            };
            (found.project, position, stored)
        });
        let mut all: Vec<_> = sessions
            .chain(events)
            .filter(|(owner, ..)| *owner == project)
            .map(|(_, position, event)| (position, event))
            .collect();
        all.sort_by_key(|(position, _)| order(*position));
        all
    }

    fn stored_event<'a>(&'a self, found: &'a ModelEvent) -> StoredEvent<'a> {
        let event = &found.event;
        StoredEvent {
            id: found.id,
            session: self.by_sid(found.sid).id,
            parent: Some(found.parent),
            kind: event.kind,
            name: &event.name,
            started: event.started,
            ended: event.ended,
            body: &event.body,
        }
    }
}

/// Returns a key that sorts positions in the order of a list.
fn order(position: Position) -> impl Ord {
    std::cmp::Reverse((position.started, position.sid, position.id))
}

fn matches(query: &ReadEvents, event: &StoredEvent<'_>) -> bool {
    let body: EventBody = serde_json::from_slice(event.body).unwrap();
    query.session.is_none_or(|id| event.session == id)
        && query.kind.is_none_or(|kind| event.kind == kind)
        && query.name.as_ref().is_none_or(|name| event.name == name)
        && (!query.errors_only || body.error.is_some())
        && query.from.is_none_or(|from| event.started >= from)
        && query.before.is_none_or(|before| event.started < before)
        && query
            .predicate
            .as_ref()
            .is_none_or(|predicate| predicate.matches(event))
}

impl Read<ReadEvents> for Model {
    async fn read(&self, project: &ProjectAccess, query: ReadEvents) -> Answer<Page> {
        let state = self.state();
        state.check_live(project.key(), self.clock.key_time())?;
        let has_cursor = matches!(query.start, PageStart::Cursor(_));
        let mut all = state.sorted(project.number(), has_cursor);
        all.retain(|(_, event)| matches(&query, event));
        let (mut total, mut is_exact) = (all.len(), true);
        let limit = query.limit as usize;
        let begin = match query.start {
            PageStart::Number(page) => page as usize * limit,
            PageStart::Cursor(None) => 0,
            PageStart::Cursor(Some(after)) => {
                let passed = all
                    .iter()
                    .filter(|(position, _)| order(*position) <= order(after))
                    .count();
                // The first page has the total.
                (total, is_exact) = ((total - passed).min(limit + 1), false);
                passed
            }
        };
        let mut page = PageBuilder::new(project.public());
        let mut last = None;
        for (position, event) in all.iter().skip(begin).take(limit) {
            assert!(page.push(event)?, "pages in these tests are small");
            last = Some(*position);
        }
        let has_more = has_cursor && all.len() > begin + limit;
        let end = PageEnd {
            total: total as u64,
            is_exact,
            next: last.filter(|_| has_more),
        };
        Ok(page.finish(end, Vec::new()))
    }
}

impl Model {
    /// Returns the positions of all events of all projects.
    pub(in super::super) fn positions(&self) -> Vec<Position> {
        let state = self.state();
        let sessions = state.sessions.iter().map(|session| Position {
            started: session.started,
            sid: session.sid,
            id: None,
        });
        let events = state.events.iter().map(|event| Position {
            started: event.event.started,
            sid: event.sid,
            id: Some(event.id.into_bytes()),
        });
        sessions.chain(events).collect()
    }
}

impl Read<ReadRest> for Model {
    async fn read(&self, project: &ProjectAccess, query: ReadRest) -> Answer<Page> {
        let (state, number) = (self.state(), project.number());
        state.check_live(project.key(), self.clock.key_time())?;
        let mut page = PageBuilder::new(project.public());
        for position in query.positions {
            let found = if let Some(id) = position.id {
                let event = state.events.iter().find(|event| {
                    (event.project, event.sid) == (number, position.sid)
                        && event.id.into_bytes() == id
                        && event.event.started == position.started
                });
                event.map(|event| state.stored_event(event))
            } else {
                let place = state.sessions.iter().position(|session| {
                    (session.project, session.sid) == (number, position.sid)
                        && (session.started..=session.listed).contains(&position.started)
                });
                place.map(|place| state.session_event(place))
            };
            if let Some(event) = found {
                page.push(&event)?;
            }
        }
        Ok(page.finish(PageEnd::default(), Vec::new()))
    }
}

impl Read<GetEvent> for Model {
    async fn read(&self, project: &ProjectAccess, GetEvent { id }: GetEvent) -> Answer<Vec<u8>> {
        let (state, number) = (self.state(), project.number());
        state.check_live(project.key(), self.clock.key_time())?;
        let mut events = state.events.iter();
        let event = events.find(|event| event.project == number && event.id == id);
        let found = match event {
            Some(event) => Some(state.stored_event(event)),
            None => state
                .session(number, id)
                .map(|place| state.session_event(place)),
        };
        let found = found.ok_or_else(|| GetEvent { id }.missing())?;
        render(&found, project.public())
    }
}
