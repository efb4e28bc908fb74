//! Prints the projects that a key applies to, each with its first events.
//!
//! ```console
//! $ honeyhive auth login
//! $ cargo run -p hh-sdk --example client
//! ```
//!
//! The address of the server and the key come from the environment (`HH_BASE_URL`, `HH_API_KEY`), from configuration files
//! or from the login.

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use hh_sdk::api::types::ExportEvents;
use hh_sdk::{Error, HoneyHive};

const EVENTS: u32 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = HoneyHive::from_env()?;
    for project in client.list_projects().await? {
        println!("project {}", project.name);
        let query = ExportEvents {
            project: Some(project.name),
            limit: Some(EVENTS),
            ..ExportEvents::default()
        };
        for event in client.export_events(query).await?.events {
            println!("  {} {}", event.event_type.as_str(), event.event_name);
        }
    }
    Ok(())
}
