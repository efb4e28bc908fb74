//! Reloads the settings of a running server.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::app::App;
use crate::config::ServerOptions;
use crate::retention::warn_of_unknown_projects;

/// A handle that reloads the settings of a running server.
#[derive(Clone)]
pub struct Reloader {
    options: ServerOptions,
    app: Arc<App>,
}

impl Reloader {
    pub(super) fn new(options: ServerOptions, app: Arc<App>) -> Self {
        Self { options, app }
    }

    /// Reads `server.yaml` again, applies `max_rotations_per_hour`, `retention_days` and `project_retention_days`, and
    /// logs one line. Blocks while it reads the file.
    ///
    /// The other settings apply at the next start. If the file is invalid, all settings remain in effect.
    pub fn reload(&self) {
        match self.options.clone().settings() {
            Ok(settings) => {
                let limit = settings.max_rotations;
                self.app.max_rotations.store(limit, Ordering::Relaxed);
                tracing::info!(
                    max_rotations_per_hour = limit,
                    retention_days = settings.retention.days,
                    project_retention_days = settings.retention.projects.len(),
                    "reloaded server.yaml"
                );
                self.app.set_retention(settings.retention);
                warn_of_unknown_projects(&self.app);
            }
            Err(error) => {
                tracing::error!(
                    cause = error.to_line(),
                    "cannot reload server.yaml; the previous settings remain in effect"
                );
            }
        }
    }
}
