//! Writes a container image as an OCI image layout, without a container engine.
//!
//! The formats are described in <https://specs.opencontainers.org/image-spec/>.

mod layer;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::release::archive::Entries;
use crate::release::info::ReleaseInfo;
use crate::release::stage::Stage;
use crate::release::sums;
use crate::workspace;

/// The user of the processes in the container, without privileges.
const USER: u64 = 65532;

/// The directory of the data, owned by the user.
const DATA: &str = "var/lib/honeyhive";

const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Writes the image of a stage as a tar file and returns its path.
///
/// # Errors
/// Returns an error if a file cannot be read or written.
pub(crate) fn write(root: &Path, info: &ReleaseInfo, stage: &Stage, out: &Path) -> Result<PathBuf> {
    let architecture = match stage.target.split('-').next() {
        Some("aarch64") => "arm64",
        _ => "amd64",
    };
    let mut blobs = Blobs(Entries::new(stage.epoch));
    let layer = layer::build(stage, USER, DATA)?;
    let config = config(root, info, stage, architecture, &layer.diff_id)?;
    let config = blobs.add(CONFIG_TYPE, config.to_string().into_bytes());
    let layer = blobs.add(LAYER_TYPE, layer.gzip);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [layer],
    });
    let mut manifest = blobs.add(MANIFEST_TYPE, manifest.to_string().into_bytes());
    manifest["platform"] = json!({"os": "linux", "architecture": architecture});
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": stage.version});
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [manifest],
    });
    let Blobs(mut entries) = blobs;
    entries.file("index.json", 0o644, index.to_string().into_bytes());
    entries.file("oci-layout", 0o644, LAYOUT.as_bytes().to_vec());
    let path = out.join(format!(
        "honeyhive-{}-image-{architecture}.tar",
        stage.version
    ));
    let tar = entries.into_tar()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "an image is not secret, and its directory was created empty"
    )]
    fs::write(&path, tar).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The files of a layout that are named by their sums.
struct Blobs(Entries);

impl Blobs {
    /// Adds a file and returns its descriptor.
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let sum = sums::of_bytes(&bytes);
        let size = bytes.len();
        self.0.file(&format!("blobs/sha256/{sum}"), 0o644, bytes);
        json!({"mediaType": media_type, "digest": format!("sha256:{sum}"), "size": size})
    }
}

/// Returns the configuration of the containers.
fn config(
    root: &Path,
    info: &ReleaseInfo,
    stage: &Stage,
    architecture: &str,
    diff_id: &str,
) -> Result<Value> {
    let created = &info.time;
    let repository = workspace::package_field(root, "repository")?;
    let licenses = workspace::package_field(root, "license")?;
    let second = 1_000_000_000_u64;
    Ok(json!({
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": format!("{USER}:{USER}"),
            "Entrypoint": ["/usr/bin/honeyhive"],
            "Cmd": ["server", "start", "--bind", "0.0.0.0:8642", "--data-dir", format!("/{DATA}")],
            // The health check, and commands that are run in the container, use its own server.
            "Env": ["PATH=/usr/bin", "HOME=/home/honeyhive", "HH_BASE_URL=http://127.0.0.1:8642"],
            "WorkingDir": format!("/{DATA}"),
            "ExposedPorts": {"8642/tcp": {}},
            "Volumes": {format!("/{DATA}"): {}},
            "StopSignal": "SIGTERM",
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/honeyhive", "server", "health"],
                "Interval": 30 * second,
                "Timeout": 10 * second,
                "StartPeriod": 10 * second,
                "Retries": 3,
            },
            "Labels": {
                "org.opencontainers.image.title": "honeyhive",
                "org.opencontainers.image.description": "Command line and server of HoneyHive",
                "org.opencontainers.image.source": repository,
                "org.opencontainers.image.version": stage.version,
                "org.opencontainers.image.revision": info.commit,
                "org.opencontainers.image.licenses": licenses,
                "org.opencontainers.image.created": created,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]},
        "history": [{"created": created, "created_by": "cargo xtask release build"}],
    }))
}
