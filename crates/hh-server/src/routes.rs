//! Handlers of operations. They call the store and return an output, without SQL, key checks or dialects.

mod call;
mod deletion;
mod events;
mod handler;
mod key_update;
mod keys;
mod large_work;
mod new_events;
mod operation;
mod owners;
mod projects;
mod request;
mod rotation;
mod service;
mod sessions;
mod traces;

use hh_api::{OpId, operations};

use call::Call;
use handler::Rendered;
pub(crate) use handler::{Handler, KeyId};

/// Matches operations to handlers.
///
/// An operation without a handler does not compile, because its match arm is missing. The types of a handler are those
/// of its operation.
macro_rules! handlers {
    ($op:expr; $($name:ident => $kind:ident $module:ident::$handler:ident,)+) => {
        match $op {
            $(OpId::$name => Handler::$kind::<operations::$name, _, _>(
                |app, call, input| async move { $module::$handler(&app, call, input).await },
            ),)+
        }
    };
}

/// Returns the handler of an operation.
pub(crate) fn handler(op: OpId) -> Handler {
    handlers! { op;
        Health => open service::health,
        GetOpenApi => open service::openapi,
        Whoami => json service::whoami,
        CreateKey => json keys::create_key,
        ListKeys => json keys::list_keys,
        GetKey => json keys::get_key,
        UpdateKey => json key_update::update_key,
        RevokeKey => json rotation::revoke_key,
        RotateKey => json rotation::rotate_key,
        CreateOwner => json owners::create_owner,
        ListOwners => json owners::list_owners,
        DisableOwner => json owners::disable_owner,
        EnableOwner => json owners::enable_owner,
        CreateProject => json projects::create_project,
        ListProjects => json projects::list_projects,
        StartSession => rendered sessions::start_session,
        CreateSession => rendered sessions::create_session,
        GetSession => rendered sessions::get_session,
        AddSessionEvents => batch new_events::add_session_events,
        FindSessions => json sessions::find_sessions,
        ExportTraces => rendered traces::export_traces,
        ExportEvents => rendered events::export_events,
        SearchEvents => rendered events::search_events,
        GetEvent => rendered events::get_event,
        GetEventSchema => json events::get_event_schema,
        CreateEvent => json new_events::create_event,
        CreateEvents => batch new_events::create_events,
        CreateModelEvent => json new_events::create_model_event,
        CreateModelEvents => batch new_events::create_model_events,
        UpdateEvent => json events::update_event,
        DeleteEvent => json deletion::delete_event,
        DeleteSession => json deletion::delete_session,
        DeleteUserData => json deletion::delete_user_data,
        DeleteProject => json deletion::delete_project,
    }
}
