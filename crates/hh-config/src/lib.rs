//! Layered settings for HoneyHive tools, where every value knows where it came from.
//!
//! Sources rank as [`Source`] orders them: a direct parameter wins over the environment, that over a
//! named `.env` file, that over a named configuration file, that over the default. Layers are kept whole
//! in a [`Stack`], so the record of what won and what it shadows comes from the same walk that resolves.
//!
//! ```
//! use hh_config::{Env, LoadOptions, Settings, Source};
//!
//! let env = Env::from_pairs([("HH_PROJECT", "docs"), ("HH_TIMEOUT", "5")]);
//! let (settings, _stack) = Settings::load(&env, LoadOptions::new().with_project("search"))?;
//! assert_eq!(settings.project.as_ref().unwrap().value, "search");
//! assert_eq!(settings.project.as_ref().unwrap().provenance.source(), Source::Direct);
//! assert_eq!(settings.timeout.value.as_secs(), 5);
//! # Ok::<(), hh_config::LoadError>(())
//! ```
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `files` | yes | named YAML, JSON, TOML and `.env` files |
//!
//! No library code here reads the process environment except [`Env::from_process`].

mod declared;
mod env;
mod error;
mod explain;
mod layer;
mod origin;
pub mod paths;
mod provenance;
mod secret_file;
mod settings;
mod source;
mod stack;

pub use declared::{DECLARED, Declared, Kind, SettingName, names};
pub use env::Env;
pub use error::{LoadError, LoadErrorKind};
pub use explain::{Explained, Shown};
pub use layer::Layer;
pub use origin::{BaseUrl, Origin, OriginError};
pub use provenance::{Location, Provenance, Sourced, Via};
pub use settings::{LoadOptions, Settings};
pub use source::Source;
pub use stack::{Candidate, Candidates, Stack};
