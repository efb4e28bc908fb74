//! Layered settings for HoneyHive tools, where every value knows where it came from.
//!
//! Sources rank as [`Source`] orders them: a direct parameter wins over the environment, that over a
//! named `.env` file, that over configuration files, that over the default. Layers are kept whole
//! in a [`Stack`], so the record of what won and what it shadows comes from the same walk that resolves.
//!
//! ```
//! # #[cfg(feature = "files")] {
//! use hh_config::{Env, LoadOptions, Settings, Source};
//!
//! let env = Env::from_pairs([("HH_PROJECT", "docs"), ("HH_TIMEOUT", "5")]);
//! let (settings, _stack) = Settings::load(&env, LoadOptions::new().with_project("search"))?;
//! assert_eq!(settings.project.as_ref().unwrap().value, "search");
//! assert_eq!(settings.project.as_ref().unwrap().provenance.source(), Source::Direct);
//! assert_eq!(settings.timeout.value.as_secs(), 5);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `files` | yes | everything but [`Env`], [`Origin`], [`Provenance`] and [`paths`]: settings and where they are read from |
//!
//! No library code here reads the process environment except [`Env::from_process`].

mod env;
mod origin;
pub mod paths;
mod provenance;
mod source;

#[cfg(feature = "files")]
mod discovered_file;
#[cfg(feature = "files")]
mod edit;
#[cfg(feature = "files")]
mod effective;
#[cfg(feature = "files")]
mod error;
#[cfg(feature = "files")]
mod explain;
#[cfg(feature = "files")]
mod extract;
#[cfg(feature = "files")]
mod format;
#[cfg(feature = "files")]
mod guarded;
#[cfg(feature = "files")]
mod layer;
#[cfg(feature = "files")]
mod load;
#[cfg(feature = "files")]
mod nearest;
#[cfg(feature = "files")]
mod read;
#[cfg(feature = "files")]
mod redact;
#[cfg(feature = "files")]
mod schema;
#[cfg(feature = "files")]
mod secret_file;
#[cfg(feature = "files")]
mod setting;
#[cfg(feature = "files")]
mod settings;
#[cfg(feature = "files")]
mod stack;
#[cfg(feature = "files")]
mod substitute;
#[cfg(feature = "files")]
mod trust;
#[cfg(feature = "files")]
mod value;

pub use env::Env;
pub use origin::{BaseUrl, Origin, OriginError};
pub use provenance::{Location, Provenance, Sourced, Via};
pub use source::Source;

#[cfg(feature = "files")]
use nearest::nearest;
#[cfg(feature = "files")]
pub use {
    discovered_file::{DiscoveredFile, FileState},
    edit::{Edit, edit},
    effective::{Config, get_config},
    error::{LoadError, LoadErrorKind, Problem},
    explain::{Explanation, RedactedValue, ShadowedValue},
    format::Format,
    layer::{Layer, nearest_name},
    load::{LoadOptions, overlays},
    read::text as read_text,
    redact::redact_keys,
    schema::schema,
    setting::{
        Consumer, Kind, Placement, ProjectFilePolicy, SETTINGS, SettingName, SettingSpec,
        UNSUPPORTED, UnsupportedVariable, names,
    },
    settings::Settings,
    stack::{Candidate, Candidates, Stack},
    substitute::{SubstituteError, Substituted, escape, substitute},
    trust::TrustedFiles,
};
