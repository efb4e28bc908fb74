//! Builds the only layer of the image: the program, root certificates, and a user without privileges.

use std::fs;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::files;
use crate::release::archive::{self, Entries};
use crate::release::stage::Stage;
use crate::release::sums;

/// A compressed layer.
pub(super) struct Layer {
    pub(super) gzip: Vec<u8>,
    /// The SHA-256 sum of the layer without compression.
    pub(super) diff_id: String,
}

/// Builds the layer from the files of a stage. The number `user` is that of the user, who owns the directory `data`.
pub(super) fn build(stage: &Stage, user: u64, data: &str) -> Result<Layer> {
    let mut entries = Entries::new(stage.epoch);
    for folder in [
        "etc",
        "etc/ssl",
        "etc/ssl/certs",
        "home",
        "usr",
        "usr/bin",
        "usr/share",
        "usr/share/doc",
        "usr/share/doc/honeyhive",
        "var",
        "var/lib",
    ] {
        entries.folder(folder, 0o755, 0);
    }
    entries.folder("tmp", 0o1777, 0);
    entries.folder("home/honeyhive", 0o700, user);
    entries.folder(data, 0o700, user);
    let passwd = format!(
        "root:x:0:0:root:/:/sbin/nologin\nhoneyhive:x:{user}:{user}:HoneyHive:/home/honeyhive:/sbin/nologin\n"
    );
    entries.file("etc/passwd", 0o644, passwd.into_bytes());
    let group = format!("root:x:0:\nhoneyhive:x:{user}:\n");
    entries.file("etc/group", 0o644, group.into_bytes());
    entries.file(
        "etc/ssl/certs/ca-certificates.crt",
        0o644,
        certificates().into_bytes(),
    );
    let program = stage.folder.join("bin/honeyhive");
    let program =
        fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    entries.file("usr/bin/honeyhive", 0o755, program);
    let documents = stage.folder.join("share/doc/honeyhive");
    for file in files::below(&documents)? {
        let name = format!("usr/share/doc/honeyhive/{}", file.display());
        entries.file(
            &name,
            0o644,
            files::text(&documents.join(file))?.into_bytes(),
        );
    }
    let tar = entries.into_tar()?;
    Ok(Layer {
        diff_id: sums::of_bytes(&tar),
        gzip: archive::gzip(&tar)?,
    })
}

/// Returns the root certificates of Mozilla in the PEM format.
fn certificates() -> String {
    let mut pem = String::new();
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(certificate);
        for line in text.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}
