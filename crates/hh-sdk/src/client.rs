//! The typed client.

use std::sync::Arc;
use std::time::Duration;

use hh_api::types::{
    CreateKey, CreateKeyResponse, CreateOwner, CreateProject, CreatedKey, DisabledOwner, Empty,
    Event, EventList, EventPatch, ExportEvents, Key, KeyRef, ListKeys, ListProjects, Owner,
    OwnerRef, Project, RotateKey, StartSession, Whoami,
};
use hh_api::{Endpoint, TestModeError, TestValues, operations as op};
use hh_auth::{Created, Credential, KeyDetails};
use hh_config::Settings;

use crate::options::option_methods;
use crate::resolve::{Resolved, Sender, resolve};
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
            details.created = Some(Created::Reported(me.key.created_at));
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
        match self.send::<op::Whoami>(Empty {}).await {
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
        let list = self.send::<op::ListProjects>(ListProjects::default());
        Ok(list.await?.projects)
    }

    /// Creates a project.
    ///
    /// # Errors
    /// As every call; `Conflict` if the name is taken.
    pub async fn create_project(&self, project: &CreateProject) -> Result<Project, Error> {
        self.send::<op::CreateProject>(project.clone()).await
    }

    /// Mints a key.
    ///
    /// A request that has to be sent again makes no second key.
    ///
    /// # Errors
    /// As every call; `Conflict` if the owner is disabled, or if the key was made but the answer with its text was lost.
    pub async fn create_key(&self, key: &CreateKey) -> Result<CreatedKey, Error> {
        match self.send::<op::CreateKey>(key.clone()).await? {
            CreateKeyResponse::Created(created) => Ok(created),
            CreateKeyResponse::Repeated(key) => {
                Err(lost_secret(&key, "revoke it, and make another"))
            }
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
        let input = RotateKey {
            id: id.to_owned(),
            grace_seconds: grace.map(|grace| u32::try_from(grace.as_secs()).unwrap_or(u32::MAX)),
        };
        match self.send::<op::RotateKey>(input).await? {
            CreateKeyResponse::Created(created) => Ok(created),
            CreateKeyResponse::Repeated(key) => Err(lost_secret(
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
            let input = ListKeys {
                limit: Some(1000),
                cursor: cursor.clone(),
                ended: with_ended,
            };
            let page = self.send::<op::ListKeys>(input).await?;
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
        self.send::<op::GetKey>(key_ref(id)).await
    }

    /// Revokes a key; when this returns, the server takes it no more. A key may do this to itself and to the one it replaces.
    ///
    /// # Errors
    /// As every call; `Conflict` for the last key that could make others.
    pub async fn revoke_key(&self, id: &str) -> Result<Key, Error> {
        self.send::<op::RevokeKey>(key_ref(id)).await
    }

    /// Lists the owners of keys.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_owners(&self) -> Result<Vec<Owner>, Error> {
        Ok(self.send::<op::ListOwners>(Empty {}).await?.owners)
    }

    /// Creates an owner of keys.
    ///
    /// # Errors
    /// As every call; `Conflict` if the name is taken.
    pub async fn create_owner(&self, owner: &CreateOwner) -> Result<Owner, Error> {
        self.send::<op::CreateOwner>(owner.clone()).await
    }

    /// Disables an owner: all their keys are revoked, and none can be made.
    ///
    /// # Errors
    /// As every call; `Conflict` for the owner of the key in use.
    pub async fn disable_owner(&self, id: &str) -> Result<DisabledOwner, Error> {
        self.send::<op::DisableOwner>(OwnerRef { id: id.to_owned() })
            .await
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
        Ok(self.send::<op::StartSession>(session).await?.event)
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
        self.send::<op::ExportEvents>(query).await
    }

    /// Merges into an event, in the client's project unless the patch names one.
    ///
    /// # Errors
    /// As every call.
    pub async fn update_event(&self, mut patch: EventPatch) -> Result<(), Error> {
        patch.project = patch.project.or_else(|| self.project());
        self.send::<op::UpdateEvent>(patch).await.map(drop)
    }

    fn project(&self) -> Option<String> {
        Some(self.settings.project.as_ref()?.value.clone())
    }

    /// Sends one operation.
    async fn send<E: Endpoint>(&self, input: E::Input) -> Result<E::Output, Error> {
        let Some(sender) = &self.sender else {
            return in_test_mode::<E>(&input);
        };
        let response = sender.send_input::<E>(&input).await?;
        serde_json::from_slice(response.body()).map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the answer of {} is not what this version understands (line {}, column {})",
                    E::OPERATION.route().path,
                    error.line(),
                    error.column()
                ),
            )
        })
    }
}

fn key_ref(id: &str) -> KeyRef {
    KeyRef { id: id.to_owned() }
}

/// A key exists whose text nobody has.
fn lost_secret(key: &Key, hint: &'static str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "the key {} was made, but the answer with its text was lost on the way, and it is told once",
            hh_transport::clean(&key.id, &[])
        ),
    )
    .with_hint(hint)
}

/// Responds without a connection, as if a server had accepted the request: lists are empty, and what is created has the
/// members of the request.
fn in_test_mode<E: Endpoint>(input: &E::Input) -> Result<E::Output, Error> {
    let values = TestValues {
        id: crate::ids::random_uuid(),
        now: crate::ids::millis(crate::ids::StartTime::now().nanos()),
    };
    E::test_response(input, &values).map_err(|error| match error {
        TestModeError::ServerOnly => Error::new(
            ErrorKind::TestMode,
            "test mode opens no connection, so there is no answer",
        )
        .with_hint("switch it off with HH_TEST_MODE=false"),
        TestModeError::Invalid => Error::new(
            ErrorKind::Invalid,
            "the request is not what a server would take",
        ),
    })
}
