//! Implements the calls on sessions.

use hh_api::operations as op;
use hh_api::types::{
    AddSessionEvents, CreateEvent, CreateSession, DeleteSession, DeletedData, Event, FindSessions,
    FoundSessions, SessionRef, StartSession,
};

use super::deletion::check_dry_runs;
use super::events::with_ids;
use crate::{Error, HoneyHive};

/// The calls on sessions, see [`HoneyHive::sessions`].
#[derive(Clone, Copy, Debug)]
pub struct Sessions<'c> {
    client: &'c HoneyHive,
}

impl HoneyHive {
    /// Returns the calls on sessions.
    ///
    /// If a request names no project, the project of the client applies.
    ///
    /// # Examples
    /// ```
    /// use hh_sdk::api::types::StartSession;
    ///
    /// # let env = hh_sdk::config::Env::from_pairs::<&str, &str>([]);
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let client = hh_sdk::HoneyHive::builder()
    /// #    .with_env(env)
    ///     .with_test_mode(true)
    ///     .build()?;
    /// let session = StartSession {
    ///     session_name: Some("answer a question".to_owned()),
    ///     ..StartSession::default()
    /// };
    /// let started = client.sessions().start(session).await?;
    /// assert_eq!(started.event_name, "answer a question");
    /// # Ok::<(), hh_sdk::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions { client: self }
    }
}

impl Sessions<'_> {
    /// Starts a session, or updates the session with the same id.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn start(&self, session: StartSession) -> Result<Event, Error> {
        self.client.start_session(session).await
    }

    /// Creates a session that can have an end time and outputs, or merges metadata and user properties into the session
    /// with the same id.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors). The call is not available in test mode.
    pub async fn create(&self, mut session: CreateSession) -> Result<Event, Error> {
        session.project = session.project.or_else(|| self.client.project());
        // The client creates the id, so that a retry does not create a second session.
        session
            .session_id
            .get_or_insert_with(|| crate::ids::random_uuid().to_string());
        let created = self.client.send::<op::CreateSession>(session).await?;
        Ok(created.event)
    }

    /// Returns the session with this id.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `NotFound` if the session does not exist. The call is not
    /// available in test mode.
    pub async fn get(&self, id: &str) -> Result<Event, Error> {
        let input = SessionRef {
            session_id: id.to_owned(),
            project: self.client.project(),
        };
        self.client.send::<op::GetSession>(input).await
    }

    /// Finds the sessions whose id begins with a prefix of 8 to 32 hexadecimal digits; at most 10.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Invalid` for an invalid prefix.
    pub async fn find(&self, prefix: &str) -> Result<FoundSessions, Error> {
        let input = FindSessions {
            prefix: prefix.to_owned(),
            project: self.client.project(),
        };
        self.client.send::<op::FindSessions>(input).await
    }

    /// Adds events to the session with this id, which is created if it does not exist.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), `Invalid` if the server rejects all events, and `Unavailable` if
    /// it rejects some of them and stores the others.
    pub async fn add_events(&self, id: &str, events: Vec<CreateEvent>) -> Result<(), Error> {
        let input = AddSessionEvents {
            session_id: id.to_owned(),
            events: with_ids(self.client, events),
            logs: Vec::new(),
        };
        self.client.send::<op::AddSessionEvents>(input).await?;
        Ok(())
    }

    /// Deletes the session with this id and its events.
    ///
    /// A large session is deleted in parts, but no request finds any part of it after the first. If the deletion takes
    /// long, the result is not complete and the server continues.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `NotFound` if the session does not exist. The call is not
    /// available in test mode.
    pub async fn delete(&self, id: &str) -> Result<DeletedData, Error> {
        self.send_deletion(id, false).await
    }

    /// Returns what [`delete`](Self::delete) would delete, without deleting it.
    ///
    /// # Errors
    /// The errors of [`delete`](Self::delete), and `Invalid` if the server does not support dry runs.
    pub async fn preview_delete(&self, id: &str) -> Result<DeletedData, Error> {
        check_dry_runs(self.client).await?;
        self.send_deletion(id, true).await
    }

    async fn send_deletion(&self, id: &str, dry_run: bool) -> Result<DeletedData, Error> {
        let input = DeleteSession {
            session_id: id.to_owned(),
            project: self.client.project(),
            dry_run,
        };
        Ok(self.client.send::<op::DeleteSession>(input).await?.data)
    }
}
