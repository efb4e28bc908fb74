//! Loads API keys from a custom source, and loads the key again when the server rejects it.
//!
//! ```console
//! $ cargo run -p hh-sdk --example custom_provider -- http://127.0.0.1:8080 admin.key
//! ```
//!
//! Here the source is a file. Your program can read a vault instead.

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::path::PathBuf;

use hh_sdk::auth::{
    ApiKey, AuthError, AuthErrorKind, Credential, CredentialProvider, Credentials, IssuedCredential,
};
use hh_sdk::config::{Location, Origin, Provenance, Source};
use hh_sdk::{Error, ErrorKind, HoneyHive};

/// A provider that reads the key for one server from a file.
#[derive(Debug)]
struct Vault {
    origin: Origin,
    file: PathBuf,
}

impl CredentialProvider for Vault {
    fn name(&self) -> &'static str {
        "the vault"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        let text = std::fs::read_to_string(&self.file)
            .map_err(|_| AuthError::new(AuthErrorKind::Unusable, "the vault cannot be read"))?;
        let key = ApiKey::parse(text.trim())
            .map_err(|_| AuthError::new(AuthErrorKind::Unusable, "the vault has no API key"))?;
        let location = Location::Parameter("the vault".to_owned());
        let provenance = Provenance::new(Source::Direct, Some(location));
        Ok(Some(Credential::new(key, self.origin.clone(), provenance)))
    }
}

fn client(url: &str, issued: &IssuedCredential) -> Result<HoneyHive, Error> {
    HoneyHive::builder()
        .with_base_url(url)
        .with_api_key(issued.credential.key.secret().clone())
        .build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: custom_provider URL KEY_FILE".into());
    };
    let vault = Vault {
        origin: Origin::parse(&url)?,
        file: file.into(),
    };
    // Caches the credential until it expires or is rejected. It comes from the first provider that has one.
    let credentials = Credentials::new(vec![Box::new(vault)]);
    let issued = credentials.load(None).await?;
    let projects = match client(&url, &issued)?.list_projects().await {
        Err(error) if error.kind() == ErrorKind::Unauthenticated => {
            let fresh = credentials.load(Some(issued.epoch)).await?;
            client(&url, &fresh)?.list_projects().await?
        }
        projects => projects?,
    };
    for project in projects {
        println!("project {}", project.name);
    }
    Ok(())
}
