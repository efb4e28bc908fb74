//! The table of operations, each stated once.

use hh_auth::Need;

use crate::{Access, Method, OpId, Operation, Repeat};

impl OpId {
    /// Every operation.
    pub const ALL: [Self; 16] = [
        Self::Health,
        Self::Whoami,
        Self::CreateKey,
        Self::ListKeys,
        Self::GetKey,
        Self::RevokeKey,
        Self::RotateKey,
        Self::CreateOwner,
        Self::ListOwners,
        Self::DisableOwner,
        Self::CreateProject,
        Self::ListProjects,
        Self::StartSession,
        Self::ExportTraces,
        Self::ExportEvents,
        Self::UpdateEvent,
    ];

    /// Returns the entry of the table.
    #[must_use]
    pub const fn operation(self) -> Operation {
        use Access::{AnyKey, Open};
        use Method::{Delete, Get, Post, Put};
        use Repeat::{Keyed, Otlp, Safe, Unsafe};

        const READ: Access = Access::Need(Need::Read);
        const INGEST: Access = Access::Need(Need::Ingest);
        const ADMIN: Access = Access::Need(Need::Admin);
        const OWN: Access = Access::Own(Need::Admin);
        const KEYS: &str = "/v1/api_keys";
        const KEY: &str = "/v1/api_keys/{id}";
        const ROTATE: &str = "/v1/api_keys/{id}/rotate";
        const OWNERS: &str = "/v1/owners";
        const DISABLE: &str = "/v1/owners/{id}/disable";
        const PROJECTS: &str = "/v1/projects";
        const TRACES: &str = "/opentelemetry/v1/traces";

        match self {
            Self::Health => Operation::new(Get, "/api/v1/health", Open, Safe),
            Self::Whoami => Operation::new(Get, "/v1/auth/whoami", AnyKey, Safe),
            Self::CreateKey => Operation::new(Post, KEYS, ADMIN, Keyed),
            Self::ListKeys => Operation::new(Get, KEYS, ADMIN, Safe),
            Self::GetKey => Operation::new(Get, KEY, ADMIN, Safe),
            Self::RevokeKey => Operation::new(Delete, KEY, OWN, Safe),
            Self::RotateKey => Operation::new(Post, ROTATE, OWN, Keyed),
            // A second one is a conflict, which tells more than a repetition would.
            Self::CreateOwner => Operation::new(Post, OWNERS, ADMIN, Unsafe),
            Self::ListOwners => Operation::new(Get, OWNERS, ADMIN, Safe),
            Self::DisableOwner => Operation::new(Post, DISABLE, ADMIN, Safe),
            Self::CreateProject => Operation::new(Post, PROJECTS, ADMIN, Unsafe),
            Self::ListProjects => Operation::new(Get, PROJECTS, READ, Safe),
            // A session id that the client made is kept, so a second start merges into the first.
            Self::StartSession => Operation::new(Post, "/session/start", INGEST, Safe),
            // A resent span is a no-op (decisions V6).
            Self::ExportTraces => Operation::new(Post, TRACES, INGEST, Otlp),
            Self::ExportEvents => Operation::new(Post, "/v1/events/export", READ, Safe),
            Self::UpdateEvent => Operation::new(Put, "/events", INGEST, Safe),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let table = OpId::ALL
            .map(|id| {
                let op = id.operation();
                format!(
                    "{:6} {:24} {:?} {:?}",
                    op.method.as_str(),
                    op.path,
                    op.access,
                    op.repeat
                )
            })
            .join("\n");
        insta::assert_snapshot!(table, @r"
        GET    /api/v1/health           Open Safe
        GET    /v1/auth/whoami          AnyKey Safe
        POST   /v1/api_keys             Need(Admin) Keyed
        GET    /v1/api_keys             Need(Admin) Safe
        GET    /v1/api_keys/{id}        Need(Admin) Safe
        DELETE /v1/api_keys/{id}        Own(Admin) Safe
        POST   /v1/api_keys/{id}/rotate Own(Admin) Keyed
        POST   /v1/owners               Need(Admin) Unsafe
        GET    /v1/owners               Need(Admin) Safe
        POST   /v1/owners/{id}/disable  Need(Admin) Safe
        POST   /v1/projects             Need(Admin) Unsafe
        GET    /v1/projects             Need(Read) Safe
        POST   /session/start           Need(Ingest) Safe
        POST   /opentelemetry/v1/traces Need(Ingest) Otlp
        POST   /v1/events/export        Need(Read) Safe
        PUT    /events                  Need(Ingest) Safe
        ");
    }
}
