//! Implements the calls that delete the data of a user or of a project.

use hh_api::operations as op;
use hh_api::types::{DeleteProject, DeleteUserData, DeletedData, Empty};

use crate::{Error, ErrorKind, HoneyHive};

impl HoneyHive {
    /// Deletes the events and sessions of a user: those with a given value in `user_properties`. A session is deleted
    /// with all its events.
    ///
    /// The server searches all events of the project. If the deletion takes long, the result is not complete and the
    /// server continues.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), and `Invalid` for a value that is not a string, a number or a
    /// boolean, and for a dry run that the server does not support. The call is not available in test mode.
    ///
    /// # Examples
    /// ```no_run
    /// use hh_sdk::api::types::DeleteUserData;
    ///
    /// # async fn example(client: hh_sdk::HoneyHive) -> Result<(), hh_sdk::Error> {
    /// let deleted = client
    ///     .delete_user_data(&DeleteUserData {
    ///         project_id: "5f0c7a3e-2d7c-4f0b-9a38-0a2d5f8f0c11".to_owned(),
    ///         user_property: "user_id".to_owned(),
    ///         value: "user-42".into(),
    ///         dry_run: false,
    ///     })
    ///     .await?;
    /// println!("deleted {} sessions and {} events", deleted.sessions, deleted.events);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_user_data(&self, input: &DeleteUserData) -> Result<DeletedData, Error> {
        if input.dry_run {
            check_dry_runs(self).await?;
        }
        self.send::<op::DeleteUserData>(input.clone()).await
    }

    /// Deletes a project with all its events and sessions. The project does not exist any more once this returns. If
    /// the deletion of its data takes long, the result is not complete and the server continues.
    ///
    /// # Errors
    /// The [errors of every call](HoneyHive#errors), `Conflict` if active API keys are limited to projects of which this
    /// is one, and `Invalid` for a dry run that the server does not support. The call is not available in test mode.
    pub async fn delete_project(&self, input: &DeleteProject) -> Result<DeletedData, Error> {
        if input.dry_run {
            check_dry_runs(self).await?;
        }
        self.send::<op::DeleteProject>(input.clone()).await
    }
}

/// Checks that the server supports dry runs. A server that does not would ignore the member `dry_run` and delete the
/// data. The hosted service is such a server, and it does not report identities.
pub(super) async fn check_dry_runs(client: &HoneyHive) -> Result<(), Error> {
    match client.send::<op::Whoami>(Empty {}).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::new(
            ErrorKind::Invalid,
            "the server does not support dry runs of deletions",
        )),
        Err(error) => Err(error),
    }
}
