//! The rule that decides whether a key is authorized. It covers all cases and denies by default.

use jiff::Timestamp;

use crate::{Level, Need, ProjectId, Projects};

/// The permissions of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a new field must not compile until every constructor sets it"
)]
pub struct Grant {
    /// The permission level.
    pub level: Level,
    /// The projects that the key applies to.
    pub projects: Projects,
    /// The time from which the key is expired, if any.
    pub expires: Option<Timestamp>,
}

impl Grant {
    /// Returns whether the other grant includes everything that this grant allows.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let ends_in_time = match (self.expires, other.expires) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => mine <= theirs,
        };
        ends_in_time
            && self.level.is_within(other.level)
            && self.projects.is_within(&other.projects)
    }
}

/// The result of [`decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "every caller must handle both cases"
)]
pub enum Decision {
    /// The operation is allowed.
    Allow,
    /// The operation is denied.
    Deny(DenyReason),
}

/// The reason why a key is denied an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenyReason {
    /// The key has expired.
    Expired,
    /// The level does not include the need.
    MissingNeed(Need),
    /// The key does not apply to the project.
    ForeignProject,
}

/// Decides whether a key with this grant is authorized for an operation at the time `now`.
///
/// `need` is the permission that the operation requires. If it is `None`, every key that is not expired is authorized.
/// `project` is the project of the operation. If it is `None`, the projects of the grant are not checked.
#[must_use]
pub fn decide(
    grant: &Grant,
    need: Option<Need>,
    project: Option<ProjectId>,
    now: Timestamp,
) -> Decision {
    if grant.expires.is_some_and(|end| now >= end) {
        return Decision::Deny(DenyReason::Expired);
    }
    if let Some(need) = need
        && !grant.level.allows(need)
    {
        return Decision::Deny(DenyReason::MissingNeed(need));
    }
    if let Some(project) = project
        && !grant.projects.contains(project)
    {
        return Decision::Deny(DenyReason::ForeignProject);
    }
    Decision::Allow
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn levels() -> impl Strategy<Value = Level> {
        prop::sample::select(Level::ALL.to_vec())
    }

    fn needs() -> impl Strategy<Value = Need> {
        prop::sample::select(Level::Admin.needs().to_vec())
    }

    fn projects() -> impl Strategy<Value = Projects> {
        prop_oneof![
            Just(Projects::All),
            prop::collection::btree_set((0_i64..4).prop_map(ProjectId::new), 0..4)
                .prop_map(Projects::Only),
        ]
    }

    fn grants() -> impl Strategy<Value = Grant> {
        (levels(), projects(), prop::option::of(0_i64..10)).prop_map(|(level, projects, end)| {
            Grant {
                level,
                projects,
                expires: end.map(|s| Timestamp::from_second(s).unwrap()),
            }
        })
    }

    #[test]
    fn matrix_of_levels_and_needs() {
        let rows = Level::ALL.map(|level| format!("{level}: {:?}", level.needs()));
        let table = rows.join("\n");
        insta::assert_snapshot!(table, @r"
        ingest_only: [Ingest]
        read_only: [Read]
        read_write: [Ingest, Read, Write]
        admin: [Ingest, Read, Write, Admin]
        ");
    }

    proptest! {
        #[test]
        fn a_grant_within_another_is_never_allowed_more(
            small in grants(), large in grants(), need in needs(), project in 0_i64..4, now in 0_i64..12,
        ) {
            let now = Timestamp::from_second(now).unwrap();
            let project = Some(ProjectId::new(project));
            if small.is_within(&large) && decide(&small, Some(need), project, now) == Decision::Allow {
                prop_assert_eq!(decide(&large, Some(need), project, now), Decision::Allow);
            }
        }

        #[test]
        fn no_projects_allow_no_project(level in levels(), need in needs(), project in 0_i64..4) {
            let grant = Grant { level, projects: Projects::Only([].into()), expires: None };
            let decision = decide(&grant, Some(need), Some(ProjectId::new(project)), Timestamp::UNIX_EPOCH);
            prop_assert_ne!(decision, Decision::Allow);
        }
    }
}
