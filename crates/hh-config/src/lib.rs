//! Loads the layered settings of HoneyHive tools and records the provenance of every value.
//!
//! [`Settings::load`] reads parameters of the caller, environment variables, a `.env` file that the caller names, and
//! configuration files, in this order of precedence. A setting that none of them sets has its default. [`Source`] lists
//! all sources in order. Each source becomes a [`Layer`] of a [`Stack`]. The stack stores all layers, so that
//! [`Stack::explain`] reports which value is in effect, where it came from, and which values it shadows.
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
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `files` | yes | everything except [`Env`], [`paths`] and the types of origins, sources and provenance |
//!
//! Only [`Env::from_process`] and [`get_config`] read the process environment.

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
