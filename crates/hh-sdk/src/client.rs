//! The typed client of the HoneyHive API.

mod key_info;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hh_api::types::{
    CreateProject, Empty, Event, EventList, EventPatch, ExportEvents, FoundSessions, ListProjects,
    Project, StartSession, Whoami,
};
use hh_api::{Endpoint, TestModeError, TestValues, operations as op};
use hh_auth::{ApiKey, Created, Credential, Epoch, KeyDetails};
use hh_config::Settings;
use http::Method;

use crate::options::option_methods;
use crate::resolve::{Resolved, Sender, resolve};
use crate::{Error, ErrorKind, Options};

/// A typed client of the HoneyHive API.
///
/// The client opens no connection before the first call. Clones share connections, limits and the API key, and are
/// cheap to create.
///
/// Every call that sends a request needs a Tokio runtime with timers and an I/O driver: `#[tokio::main]`, or a runtime
/// that was built with `enable_all`.
///
/// # Errors
/// Every call that sends a request can fail with these [kinds](ErrorKind):
///
/// - `MissingKey`, `MalformedKey`, `Config`: no usable API key is available when the request is sent.
/// - `Unauthenticated`, `PermissionDenied`, `NotFound`, `Invalid`, `TooLarge`, `RateLimited`: the server rejected the
///   request.
/// - `Unreachable`, `Proxy`, `Tls`, `Timeout`, `Unavailable`: no usable response arrived. The client retries requests
///   that are safe to repeat before it returns one of these.
/// - `Other`: no usable Tokio runtime is running.
/// - `TestMode`: the client is in test mode, and it cannot create a response for this call without a server.
///
/// The methods list only the kinds that have a special meaning for them.
///
/// # Examples
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
    /// `None` in test mode.
    sender: Option<Sender>,
    settings: Settings,
    /// What the server reported about the key of this epoch.
    key_details: Arc<Mutex<Option<(Epoch, KeyDetails)>>>,
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

/// A builder of a [`HoneyHive`] client.
///
/// Each `with_…` method sets a direct parameter. Direct parameters take precedence over the environment, configuration
/// files and the stored profile.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// # let env = hh_sdk::config::Env::from_pairs::<&str, &str>([]);
/// let client = hh_sdk::HoneyHive::builder()
/// #    .with_env(env)
///     .with_project("docs")
///     .with_timeout(Duration::from_secs(10))
///     .with_test_mode(true)
///     .build()?;
/// # Ok::<(), hh_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HoneyHiveBuilder {
    options: Options,
}

impl HoneyHiveBuilder {
    option_methods!();

    /// Loads the settings, resolves the API key and creates the client; sends nothing.
    ///
    /// # Errors
    /// - `Config`: a setting, a file or the credential store cannot be used.
    /// - `MissingKey`: no API key is set. Test mode needs none.
    /// - `MalformedKey`: the API key has an invalid format.
    pub fn build(self) -> Result<HoneyHive, Error> {
        let resolved = resolve(&self.options)?;
        Ok(HoneyHive {
            sender: sender(&self.options, &resolved)?,
            settings: resolved.settings,
            key_details: Arc::default(),
        })
    }
}

/// Creates a client from settings that are already loaded; sends nothing.
///
/// `options` must be the options that `resolved` was loaded with: the client loads the settings again when the API key
/// may have changed.
///
/// # Errors
/// `MissingKey`, `MalformedKey` or `Config`. Test mode needs no API key.
pub fn create_client(options: &Options, resolved: &Resolved) -> Result<HoneyHive, Error> {
    Ok(HoneyHive {
        sender: sender(options, resolved)?,
        settings: resolved.settings.clone(),
        key_details: Arc::default(),
    })
}

/// Returns the sender of a client; `None` in test mode.
fn sender(options: &Options, resolved: &Resolved) -> Result<Option<Sender>, Error> {
    if resolved.settings.test_mode.value {
        resolved.check_test_key()?;
        return Ok(None);
    }
    Sender::new(options, resolved).map(Some)
}

/// The owner and the permissions of the API key in use.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Identity {
    /// The identity that the server reported.
    Known(Box<Whoami>),
    /// The key is valid, but the server does not report identities.
    Unknown,
}

impl Identity {
    /// Returns the details of the key that the server reported. All of them are `None` for [`Identity::Unknown`].
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
    /// Returns a builder without options.
    pub fn builder() -> HoneyHiveBuilder {
        HoneyHiveBuilder::default()
    }

    /// Creates a client from the environment, the configuration files and the stored profile.
    ///
    /// # Errors
    /// The errors of [`HoneyHiveBuilder::build`].
    ///
    /// # Examples
    /// ```no_run
    /// let client = hh_sdk::HoneyHive::from_env()?;
    /// println!("requests go to {}", client.settings().base_url.value);
    /// # Ok::<(), hh_sdk::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Returns the settings in effect.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the credential in use.
    ///
    /// Returns `None` in test mode, and before the first request if a `credential_command` prints the key.
    #[must_use]
    pub fn credential(&self) -> Option<Arc<Credential>> {
        self.sender.as_ref()?.credential()
    }

    /// Returns the owner and the permissions of the API key.
    ///
    /// If the server does not report identities, the client reads one event to verify the key, and returns
    /// [`Identity::Unknown`].
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: hh_sdk::HoneyHive) -> Result<(), hh_sdk::Error> {
    /// if let Some(owner) = client.whoami().await?.details().owner {
    ///     println!("logged in as {owner}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    /// The [errors of every call](HoneyHive#errors).
    pub async fn list_projects(&self) -> Result<Vec<Project>, Error> {
        let list = self.send::<op::ListProjects>(ListProjects::default());
        Ok(list.await?.projects)
    }

    /// Creates a project.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Conflict` if a project with this name exists.
    pub async fn create_project(&self, project: &CreateProject) -> Result<Project, Error> {
        self.send::<op::CreateProject>(project.clone()).await
    }

    /// Starts a session. If the session names no project, the project of the client applies.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn start_session(&self, mut session: StartSession) -> Result<Event, Error> {
        session.project = session.project.or_else(|| self.project());
        // The client creates the id, so that a retried start does not create a second session.
        session
            .session_id
            .get_or_insert_with(|| crate::ids::random_uuid().to_string());
        Ok(self.send::<op::StartSession>(session).await?.event)
    }

    /// Finds the sessions of the project of the client whose id begins with a prefix of 8 to 32 hexadecimal digits.
    ///
    /// The response contains at most 10 sessions. [`truncated`](FoundSessions::truncated) is set if more match.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Invalid` if the prefix has fewer than 8 digits or other
    /// characters than hexadecimal digits and hyphens.
    pub async fn find_sessions(&self, prefix: &str) -> Result<FoundSessions, Error> {
        self.sessions().find(prefix).await
    }

    /// Returns a page of events. If the query names no project, the project of the client applies.
    ///
    /// Two kinds of pages can have fewer events than the limit: the last page, and a page that ends at 8 MiB. The latter
    /// has a [`next`](EventList::next) cursor, or [`truncated`](EventList::truncated) of servers without cursors.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    ///
    /// # Examples
    /// ```no_run
    /// use hh_sdk::api::types::{ExportEvents, Filter};
    ///
    /// # async fn example(client: hh_sdk::HoneyHive) -> Result<(), hh_sdk::Error> {
    /// let page = client
    ///     .export_events(ExportEvents {
    ///         filters: vec![Filter::is("event_type", "model")],
    ///         limit: Some(100),
    ///         ..ExportEvents::default()
    ///     })
    ///     .await?;
    /// for event in page.events {
    ///     println!("{} took {} ms", event.event_name, event.duration);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn export_events(&self, mut query: ExportEvents) -> Result<EventList, Error> {
        query.project = query.project.or_else(|| self.project());
        self.send::<op::ExportEvents>(query).await
    }

    /// Merges a patch into an event. If the patch names no project, the project of the client applies.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors).
    pub async fn update_event(&self, mut patch: EventPatch) -> Result<(), Error> {
        patch.project = patch.project.or_else(|| self.project());
        self.send::<op::UpdateEvent>(patch).await.map(drop)
    }

    /// Returns the name of the project of the client.
    pub(crate) fn project(&self) -> Option<String> {
        Some(self.settings.project.as_ref()?.value.clone())
    }

    /// Sends a request that need not belong to an operation, and returns the body of the response and the keys of the
    /// client.
    pub(crate) async fn send_raw(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<(Bytes, Vec<ApiKey>), Error> {
        let Some(sender) = &self.sender else {
            return Err(unavailable_in_test_mode());
        };
        let response = sender.send_raw(method, target, body).await?;
        Ok((response.into_body(), sender.keys()))
    }

    /// Sends the request of an operation and decodes the response.
    pub(crate) async fn send<E: Endpoint>(&self, input: E::Input) -> Result<E::Output, Error> {
        let Some(sender) = &self.sender else {
            return in_test_mode::<E>(&input);
        };
        let response = sender.send_input::<E>(&input).await?;
        serde_json::from_slice(response.body()).map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                format!(
                    "cannot parse the response from {} (line {}, column {})",
                    E::OPERATION.route().path,
                    error.line(),
                    error.column()
                ),
            )
        })
    }
}

/// Returns the response of test mode, without a connection: lists are empty, and a created object has the members of
/// the request.
fn in_test_mode<E: Endpoint>(input: &E::Input) -> Result<E::Output, Error> {
    let values = TestValues {
        id: crate::ids::random_uuid(),
        now: crate::ids::millis(crate::ids::StartTime::now().nanos()),
    };
    E::test_response(input, &values).map_err(|error| match error {
        TestModeError::ServerOnly => unavailable_in_test_mode(),
        TestModeError::Invalid => Error::new(
            ErrorKind::Invalid,
            "the request is invalid, and a server would reject it",
        ),
    })
}

pub(super) fn unavailable_in_test_mode() -> Error {
    Error::new(
        ErrorKind::TestMode,
        "this operation is not available in test mode, which opens no connection",
    )
    .with_hint("set HH_TEST_MODE=false")
}
