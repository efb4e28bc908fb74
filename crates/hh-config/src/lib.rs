//! Loads the layered settings of HoneyHive tools and records the provenance of every value.
//!
//! [`Settings::load`] reads parameters of the caller, environment variables, a `.env` file that the caller names, and
//! configuration files, in this order of precedence. A setting that none of them sets has its default. [`Source`] lists
//! all sources in order. Each source becomes a [`Layer`] of a [`Stack`]. The stack stores all layers, so that
//! [`Stack::explain`] reports which value is in effect, where it came from, and which values it shadows.
//!
//! ```
//! use hh_config::{Env, LoadOptions, Settings, Source};
//!
//! let env = Env::from_pairs([("HH_PROJECT", "docs"), ("HH_TIMEOUT", "5")]);
//! let (settings, _stack) = Settings::load(&env, LoadOptions::new().with_project("search"))?;
//! assert_eq!(settings.project.as_ref().unwrap().value, "search");
//! assert_eq!(settings.project.as_ref().unwrap().provenance.source(), Source::Direct);
//! assert_eq!(settings.timeout.value.as_secs(), 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `files` | yes | configuration files, `.env` files, secret files, trust in project files, editing and the JSON Schema |
//! | `figment` | no | layers from providers of [figment], and the values in effect as such a provider |
//!
//! Without features, settings are loaded from parameters and environment variables. A variable that names a configuration
//! file or a secret file, such as `HH_CONFIG_FILE` or `HH_API_KEY_FILE`, is then an error.
//!
//! The crate is tested on Linux. macOS and Windows are supported but not tested. On Unix, the crate also checks that other
//! users cannot change the configuration files that it finds (see [`LoadErrorKind::Unsafe`]).
//!
//! [figment]: https://docs.rs/figment
//!
//! Only [`Env::from_process`] and [`get_config`] read the process environment.

mod effective;
mod env;
mod error;
mod explain;
mod layer;
mod load;
mod nearest;
mod origin;
pub mod paths;
mod provenance;
mod redact;
#[cfg_attr(not(feature = "files"), path = "secret_file/without_files.rs")]
mod secret_file;
mod setting;
mod settings;
mod source;
mod stack;
mod value;

#[cfg(feature = "files")]
mod discovered_file;
#[cfg(feature = "files")]
mod edit;
#[cfg(any(feature = "files", feature = "figment"))]
mod extract;
#[cfg(feature = "files")]
mod format;
#[cfg(feature = "files")]
mod guarded;
#[cfg(feature = "files")]
mod named_file;
#[cfg(any(feature = "files", feature = "figment"))]
mod problems;
#[cfg(feature = "figment")]
mod provider;
#[cfg(feature = "files")]
mod read;
#[cfg(feature = "files")]
mod schema;
#[cfg(feature = "files")]
mod substitute;
#[cfg(feature = "files")]
mod trust;

pub use effective::{Config, get_config};
pub use env::Env;
pub use error::{LoadError, LoadErrorKind, Problem};
pub use explain::{Explanation, RedactedValue, ShadowedValue};
pub use layer::Layer;
pub use load::LoadOptions;
pub use nearest::nearest_name;
pub use origin::{BaseUrl, Origin, OriginError};
pub use provenance::{Location, Provenance, Sourced, Via};
pub use redact::redact_keys;
pub use setting::{
    Consumer, Kind, Placement, ProjectFilePolicy, SETTINGS, SettingName, SettingSpec, UNSUPPORTED,
    UnsupportedVariable, names,
};
pub use settings::Settings;
pub use source::Source;
pub use stack::{Candidate, Candidates, Stack};

#[cfg(feature = "files")]
pub use {
    discovered_file::{DiscoveredFile, FileState},
    edit::{Edit, edit},
    format::Format,
    load::overlays,
    read::{bytes as read_bytes, text as read_text},
    schema::schema,
    substitute::{SubstituteError, Substituted, escape, substitute},
    trust::TrustedFiles,
};

use nearest::nearest;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
