//! The typed client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hh_api::OpId;
use hh_api::types::{
    CreateKey, CreateOwner, CreateProject, CreatedKey, DisabledOwner, Event, EventList, EventPatch,
    ExportEvents, Key, KeyList, Minted, Owner, OwnerList, Project, ProjectList, RotateKey,
    SessionEnvelope, StartSession, Updated, Whoami,
};
use hh_auth::{Created, Credential, KeyDetails};
use hh_config::Settings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::options::option_methods;
use crate::resolve::{Message, Resolved, Sender, resolve};
use crate::{Error, ErrorKind, Options};

/// A client of the API. Cheap to clone; opens no connection before the first call.
///
/// ```no_run
/// # async fn example() -> Result<(), hh_sdk::Error> {
/// let client = hh_sdk::HoneyHive::builder().with_project("docs").build()?;
/// for project in client.list_projects().await? {
///     println!("{}", project.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HoneyHive {
    /// None in test mode without a key.
    sender: Option<Sender>,
    settings: Settings,
}

impl std::fmt::Debug for HoneyHive {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("HoneyHive")
            .field("base_url", &self.settings.base_url.value)
            .field("credential", &self.credential())
            .finish_non_exhaustive()
    }
}

/// Builds a [`HoneyHive`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HoneyHiveBuilder {
    options: Options,
}

impl HoneyHiveBuilder {
    option_methods!();

    /// Uses these options in place of all that was set.
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Loads settings and finds the key; nothing is sent.
    ///
    /// # Errors
    /// `Config`, `MissingKey`, `MalformedKey`; in test mode a missing key is none.
    pub fn build(self) -> Result<HoneyHive, Error> {
        let resolved = resolve(&self.options)?;
        Ok(HoneyHive {
            sender: sender(&self.options, &resolved)?,
            settings: resolved.settings,
        })
    }
}

/// Creates a client from settings that were loaded already; nothing is sent.
///
/// `options` are those that gave the settings: they are read again when the key may have changed.
///
/// # Errors
/// `MissingKey`, `MalformedKey` or `Config`; in test mode a missing key is none.
pub fn create_client(options: &Options, resolved: &Resolved) -> Result<HoneyHive, Error> {
    Ok(HoneyHive {
        sender: sender(options, resolved)?,
        settings: resolved.settings.clone(),
    })
}

fn sender(options: &Options, resolved: &Resolved) -> Result<Option<Sender>, Error> {
    if resolved.settings.test_mode.value {
        resolved.check_test_key()?;
        return Ok(None);
    }
    Sender::new(options, resolved).map(Some)
}

/// Who the key acts for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Identity {
    /// The server told.
    Known(Box<Whoami>),
    /// The key works, but the server does not tell whose it is.
    Unknown,
}

impl Identity {
    /// Returns what the server told of the key; nothing if it does not tell.
    #[must_use]
    pub fn details(&self) -> KeyDetails {
        let mut details = KeyDetails::default();
        if let Self::Known(me) = self {
            details.id = Some(me.key.id.clone());
            details.level = Some(me.key.level);
            details.owner = Some(me.principal.name.clone());
            details.created = Some(Created::Told(me.key.created_at));
            details.expires_at = me.key.expires_at;
        }
        details
    }
}

impl HoneyHive {
    /// Starts building a client.
    pub fn builder() -> HoneyHiveBuilder {
        HoneyHiveBuilder::default()
    }

    /// Makes a client from the environment and the stored credential.
    ///
    /// # Errors
    /// As [`HoneyHiveBuilder::build`].
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Returns the settings in effect.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the credential in use; none in test mode, and none before a program that prints the key was run.
    #[must_use]
    pub fn credential(&self) -> Option<Arc<Credential>> {
        self.sender.as_ref()?.credential()
    }

    /// Tells who the key acts for. On a server that does not tell, a cheap read shows whether the key works.
    ///
    /// # Errors
    /// As every call: `Unauthenticated`, `PermissionDenied`, `Unreachable`, `Timeout` and the like.
    pub async fn whoami(&self) -> Result<Identity, Error> {
        match self.call(OpId::Whoami, "", &()).await {
            Ok(whoami) => Ok(Identity::Known(Box::new(whoami))),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let probe = ExportEvents {
                    limit: Some(1),
                    ..ExportEvents::default()
                };
                self.export_events(probe).await.map(drop)?;
                Ok(Identity::Unknown)
            }
            Err(error) => Err(error),
        }
    }

    /// Lists the projects that the key applies to.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_projects(&self) -> Result<Vec<Project>, Error> {
        let list: ProjectList = self.call(OpId::ListProjects, "", &()).await?;
        Ok(list.projects)
    }

    /// Creates a project.
    ///
    /// # Errors
    /// As every call; `Conflict` if the name is taken.
    pub async fn create_project(&self, project: &CreateProject) -> Result<Project, Error> {
        self.call(OpId::CreateProject, "", project).await
    }

    /// Mints a key.
    ///
    /// A request that has to be sent again makes no second key.
    ///
    /// # Errors
    /// As every call; `Conflict` if the owner is disabled, or if the key was made but the answer with its text was lost.
    pub async fn create_key(&self, key: &CreateKey) -> Result<CreatedKey, Error> {
        match self.call(OpId::CreateKey, "", key).await? {
            Minted::Created(created) => Ok(created),
            Minted::Repeated(key) => Err(text_lost(&key, "revoke it, and make another")),
        }
    }

    /// Mints the key that takes the place of another, with the same rights; a key may do this to itself.
    ///
    /// The old key works until the new one is first used, and then for the grace: at most 7 days, 24 hours unless given,
    /// counted in whole seconds. Until then a second rotation replaces the new key.
    ///
    /// # Errors
    /// As every call; `Conflict` if the key does not work any more or was replaced already, or if the new key was made
    /// but the answer with its text was lost.
    pub async fn rotate_key(&self, id: &str, grace: Option<Duration>) -> Result<CreatedKey, Error> {
        let wanted = RotateKey {
            grace_seconds: grace.map(|grace| u32::try_from(grace.as_secs()).unwrap_or(u32::MAX)),
        };
        match self.call(OpId::RotateKey, id, &wanted).await? {
            Minted::Created(created) => Ok(created),
            Minted::Repeated(key) => Err(text_lost(
                &key,
                "rotate the old key again, which revokes this one",
            )),
        }
    }

    /// Lists the keys that this key may manage and that work, the latest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_keys(&self) -> Result<Vec<Key>, Error> {
        self.read_keys(false).await
    }

    /// Lists the keys that this key may manage, those that do not work any more too, the latest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_all_keys(&self) -> Result<Vec<Key>, Error> {
        self.read_keys(true).await
    }

    /// Reads every page of the list of keys.
    async fn read_keys(&self, with_ended: bool) -> Result<Vec<Key>, Error> {
        let mut keys = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = format!("?limit=1000&ended={with_ended}");
            if let Some(cursor) = &cursor {
                query.extend(["&cursor=", cursor]);
            }
            let page: KeyList = self.call_query(OpId::ListKeys, "", &query, &()).await?;
            keys.extend(page.keys);
            let Some(next) = page.next else {
                return Ok(keys);
            };
            // Only what cannot change the address is put into it, and a page that leads to itself has no end.
            let is_plain = !next.is_empty() && next.chars().all(|c| c.is_ascii_alphanumeric());
            if !is_plain || cursor.as_ref() == Some(&next) {
                let message = "the list of keys continues with a cursor that this version does not understand";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            cursor = Some(next);
        }
    }

    /// Describes a key.
    ///
    /// # Errors
    /// As every call.
    pub async fn get_key(&self, id: &str) -> Result<Key, Error> {
        self.call(OpId::GetKey, id, &()).await
    }

    /// Revokes a key; when this returns, the server takes it no more. A key may do this to itself and to the one it replaces.
    ///
    /// # Errors
    /// As every call; `Conflict` for the last key that could make others.
    pub async fn revoke_key(&self, id: &str) -> Result<Key, Error> {
        self.call(OpId::RevokeKey, id, &()).await
    }

    /// Lists the owners of keys.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_owners(&self) -> Result<Vec<Owner>, Error> {
        let list: OwnerList = self.call(OpId::ListOwners, "", &()).await?;
        Ok(list.owners)
    }

    /// Creates an owner of keys.
    ///
    /// # Errors
    /// As every call; `Conflict` if the name is taken.
    pub async fn create_owner(&self, owner: &CreateOwner) -> Result<Owner, Error> {
        self.call(OpId::CreateOwner, "", owner).await
    }

    /// Disables an owner: all their keys are revoked, and none can be made.
    ///
    /// # Errors
    /// As every call; `Conflict` for the owner of the key in use.
    pub async fn disable_owner(&self, id: &str) -> Result<DisabledOwner, Error> {
        self.call(OpId::DisableOwner, id, &()).await
    }

    /// Starts a session, in the client's project unless the session names one.
    ///
    /// # Errors
    /// As every call.
    pub async fn start_session(&self, mut session: StartSession) -> Result<Event, Error> {
        session.project = session.project.or_else(|| self.project());
        // With an id of ours a repeated start is the same session, not a second one.
        session
            .session_id
            .get_or_insert_with(|| crate::ids::random_uuid().to_string());
        let body = json!({ "session": session });
        let answer: SessionEnvelope = self.call(OpId::StartSession, "", &body).await?;
        Ok(answer.event)
    }

    /// Reads a page of events, in the client's project unless the query names one.
    ///
    /// The page has fewer events than the limit at the end of the list, and also where
    /// [`truncated`](EventList::truncated) is set: the server stops at 8 MiB.
    ///
    /// # Errors
    /// As every call.
    pub async fn export_events(&self, mut query: ExportEvents) -> Result<EventList, Error> {
        query.project = query.project.or_else(|| self.project());
        self.call(OpId::ExportEvents, "", &query).await
    }

    /// Merges into an event, in the client's project unless the patch names one.
    ///
    /// # Errors
    /// As every call.
    pub async fn update_event(&self, mut patch: EventPatch) -> Result<(), Error> {
        patch.project = patch.project.or_else(|| self.project());
        let _: Updated = self.call(OpId::UpdateEvent, "", &patch).await?;
        Ok(())
    }

    fn project(&self) -> Option<String> {
        Some(self.settings.project.as_ref()?.value.clone())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        op: OpId,
        id: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.call_query(op, id, "", body).await
    }

    async fn call_query<T: DeserializeOwned>(
        &self,
        op: OpId,
        id: &str,
        query: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let Some(sender) = &self.sender else {
            return in_test_mode(op, body);
        };
        let body = match op.operation().method {
            hh_api::Method::Get | hh_api::Method::Delete => Vec::new(),
            hh_api::Method::Post | hh_api::Method::Put => serde_json::to_vec(body)
                .map_err(|_| Error::new(ErrorKind::Invalid, "the request is no valid JSON"))?,
        };
        let message = Message::Json(Bytes::from(body));
        let response = sender.send_query(op, id, query, message).await?;
        serde_json::from_slice(response.body()).map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the answer of {} is not what this version understands (line {}, column {})",
                    op.operation().path,
                    error.line(),
                    error.column()
                ),
            )
        })
    }
}

/// A key exists whose text nobody has.
fn text_lost(key: &Key, next: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "the key {} was made, but the answer with its text was lost on the way, and it is told once: {next}",
            hh_transport::clean(&key.id, &[])
        ),
    )
}

/// Answers without a connection, as if the request had been accepted: lists are empty, what is made is what was asked
/// for. What only a server knows is an error.
fn in_test_mode<T: DeserializeOwned>(op: OpId, body: &impl Serialize) -> Result<T, Error> {
    let invalid = |_| Error::new(ErrorKind::Invalid, "the request is no valid JSON");
    let body = serde_json::to_value(body).map_err(invalid)?;
    let answer = match op {
        OpId::ListProjects => json!({ "projects": [] }),
        OpId::ListKeys => json!({ "keys": [] }),
        OpId::ListOwners => json!({ "owners": [] }),
        OpId::ExportEvents => json!({ "events": [], "totalEvents": 0, "count": 0 }),
        OpId::UpdateEvent => json!({ "success": true }),
        OpId::CreateProject => json!({
            "id": crate::ids::random_uuid(),
            "name": body["name"],
            "description": body["description"].as_str().unwrap_or_default(),
        }),
        OpId::StartSession => {
            let session = &body["session"];
            let id = &session["session_id"];
            let now = crate::ids::millis(crate::ids::Started::now().nanos());
            let start = session["start_time"].as_f64().unwrap_or(now);
            let mut event = json!({
                "org_id": "test mode",
                "workspace_id": "test mode",
                "event_id": id,
                "session_id": id,
                "event_type": "session",
                "event_name": session["session_name"].as_str().unwrap_or_default(),
                "source": session["source"].as_str().unwrap_or_default(),
                "project_id": session["project"].as_str().unwrap_or_default(),
                "start_time": start,
                "end_time": start,
                "duration": 0,
            });
            for name in ["inputs", "config", "metadata", "user_properties"] {
                if session[name].is_object() {
                    event[name] = session[name].clone();
                }
            }
            event
        }
        OpId::Health
        | OpId::Whoami
        | OpId::CreateKey
        | OpId::GetKey
        | OpId::RevokeKey
        | OpId::RotateKey
        | OpId::CreateOwner
        | OpId::DisableOwner
        | OpId::ExportTraces => {
            return Err(Error::new(
                ErrorKind::TestMode,
                "test mode opens no connection, so there is no answer; switch it off with HH_TEST_MODE=false",
            ));
        }
    };
    serde_json::from_value(answer).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "the request is not what a server would take",
        )
    })
}
