//! Unpacks the image and runs its program as the user of the image.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::verification::{PATH, Verification};
use crate::{files, process};

/// The time limit of a command in the image.
const TIME_LIMIT: &str = "60s";

pub(super) fn check(verification: &Verification<'_>, image: &Path) -> Result<String> {
    let layout = verification.scratch.join("layout");
    files::empty_folder(&layout)?;
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(image).arg("-C").arg(&layout);
    process::output(tar)?;
    let index: Value = serde_json::from_str(&files::text(&layout.join("index.json"))?)?;
    let name = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
        .as_str()
        .context("the index has no name")?;
    let reference = format!("{}:{name}", layout.display());
    for address in [
        format!("oci:{reference}"),
        format!("oci-archive:{}", image.display()),
    ] {
        let mut inspect = Command::new("skopeo");
        inspect.args(["inspect", &address]);
        process::output(inspect)?;
    }
    // skopeo omits the health check, which is an extension of Docker.
    let manifest = blob(&layout, &index["manifests"][0])?;
    let config = blob(&layout, &manifest["config"])?;
    let bundle = verification.scratch.join("bundle");
    let mut unpack = Command::new("umoci");
    unpack.args(["unpack", "--image", &reference]).arg(&bundle);
    process::output(unpack)?;
    let system = bundle.join("rootfs");
    let user = config["config"]["User"]
        .as_str()
        .context("the image has no user")?;
    if user.split(':').any(|number| number == "0") || user == "root" {
        bail!("the user of the image is root");
    }
    let roots = system.join("etc/ssl/certs/ca-certificates.crt");
    if !files::text(&roots)?.contains("BEGIN CERTIFICATE") {
        bail!("{} contains no certificate", roots.display());
    }
    let entry = config["config"]["Entrypoint"][0]
        .as_str()
        .context("the image has no entry point")?;
    let health = &config["config"]["Healthcheck"]["Test"];
    if health != &json!(["CMD", entry, "server", "health"]) {
        bail!("the health check of the image is {health}");
    }
    let version = inside(&system, user, &[entry, "--version"]);
    let version = process::output(version)?;
    let health = serve(&system, user, entry)?;
    Ok(format!(
        "{}, as user {user}; {}",
        version.trim(),
        health.trim()
    ))
}

/// Reads the JSON file that a descriptor refers to.
fn blob(layout: &Path, descriptor: &Value) -> Result<Value> {
    let digest = descriptor["digest"].as_str().context("no digest")?;
    let path = layout.join("blobs").join(digest.replace(':', "/"));
    let text = files::text(&path)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Starts the server, runs the health check, stops the server, and returns the output of the check.
fn serve(system: &Path, user: &str, entry: &str) -> Result<String> {
    // The default command of the image uses a fixed port, which can be in use on this machine.
    let start = [
        entry,
        "server",
        "start",
        "--bind",
        "127.0.0.1:0",
        "--data-dir",
        "/var/lib/honeyhive",
    ];
    let mut server = inside(system, user, &start)
        .stdout(Stdio::piped())
        // The log contains the first admin key.
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start chroot")?;
    let output = server.stdout.take().context("the server has no output")?;
    // The pipe is open until the server has stopped, because a write to a closed pipe would fail.
    let mut output = BufReader::new(output);
    let health = address(&mut output).and_then(|address| {
        let mut health = inside(system, user, &[entry, "server", "health"]);
        health.env("HH_BASE_URL", address);
        process::output(health)
    });
    process::stop(&mut server);
    health
}

/// Reads the output of the server up to its address.
fn address(output: &mut impl BufRead) -> Result<String> {
    for line in output.lines() {
        if let Some(address) = line?.strip_prefix("Listening on ") {
            return Ok(address.to_owned());
        }
    }
    bail!("the server did not start within {TIME_LIMIT}")
}

/// Returns a command in the root file system of the image, with its user and without privileges.
fn inside(system: &Path, user: &str, command: &[&str]) -> Command {
    let mut chroot = Command::new("timeout");
    chroot
        .args([TIME_LIMIT, "chroot"])
        .arg(format!("--userspec={user}"))
        .arg("--groups=")
        .arg(system)
        .args(command)
        .env_clear()
        .env("HOME", "/home/honeyhive")
        .env("PATH", PATH);
    chroot
}
