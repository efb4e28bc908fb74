//! Untrusted certificates and the reported reasons.

use std::sync::Arc;

use hh_testing::rcgen::date_time_ymd;
use hh_testing::{CertificateAuthority, HttpServer, Reply, ServerConfig};

use super::site::Site;
use super::{assert_seen, env_with_key, seen};

/// Returns the lines about TLS and the end, for a server with this certificate; `trusted` is a file of authorities.
fn handshake_result(config: Arc<ServerConfig>, trusted: Option<String>) -> String {
    let site = Site::tls(config);
    let mut env = env_with_key();
    if let Some(pem) = trusted {
        env.write("ca.pem", pem);
        env.set("HH_CA_BUNDLE", "ca.pem");
    }
    let seen = seen(
        &env,
        &["--base-url", &site.url()],
        &[(&site.host(), "[host]")],
    );
    let mut lines = seen
        .lines()
        .skip_while(|line| !line.contains(" tls |") && !line.starts_with("failed"));
    let end = seen.lines().last();
    let tls = lines.by_ref().take(2).chain(end);
    tls.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_certificate_that_is_trusted() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server("localhost");
    assert_seen!(handshake_result(config, Some(authority.pem())), @"
    ok | tls | [time] | TLS 1.3; certificate for localhost, signed by CN=ours, valid from 1975-01-01 to 4096-01-01; using the certificates in ca_bundle (HH_CA_BUNDLE (environment))
    ok | health | [time] | GET /api/v1/health returned 200
    exit 0
    ");
}

// Feature S81.
#[test]
fn a_certificate_that_has_expired() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server_with("localhost", |params| {
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    assert_seen!(handshake_result(config, Some(authority.pem())), @"
    failed | tls | [time] | cannot set up TLS with [host]: its certificate has expired; certificate for localhost, signed by CN=ours, valid from 1975-01-01 to 2001-01-01; using the certificates in ca_bundle (HH_CA_BUNDLE (environment))
             -> renew the certificate of the server, or correct the clock of this machine (it says [today])
    exit 4
    ");
}

#[test]
fn a_certificate_that_is_not_valid_yet() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server_with("localhost", |params| {
        params.not_before = date_time_ymd(4000, 1, 1);
    });
    assert_seen!(handshake_result(config, Some(authority.pem())), @"
    failed | tls | [time] | cannot set up TLS with [host]: its certificate is not valid yet; certificate for localhost, signed by CN=ours, valid from 4000-01-01 to 4096-01-01; using the certificates in ca_bundle (HH_CA_BUNDLE (environment))
             -> correct the clock of this machine (it says [today])
    exit 4
    ");
}

// Feature S81.
#[test]
fn an_unknown_authority() {
    let other = CertificateAuthority::new("another");
    let config = CertificateAuthority::new("ours").server("localhost");
    assert_seen!(handshake_result(config, Some(other.pem())), @"
    failed | tls | [time] | cannot set up TLS with [host]: its certificate was signed by an untrusted authority; certificate for localhost, signed by CN=ours, valid from 1975-01-01 to 4096-01-01; using the certificates in ca_bundle (HH_CA_BUNDLE (environment))
             -> if your company or a proxy uses its own certificate authority, set its certificate file: `honeyhive config set ca_bundle FILE`
    exit 4
    ");
}

// Feature S81.
#[test]
fn a_certificate_for_another_name() {
    let authority = CertificateAuthority::new("ours");
    let config = authority.server("api.test");
    assert_seen!(handshake_result(config, Some(authority.pem())), @"
    failed | tls | [time] | cannot set up TLS with [host]: its certificate is for another name; certificate for api.test, signed by CN=ours, valid from 1975-01-01 to 4096-01-01; using the certificates in ca_bundle (HH_CA_BUNDLE (environment))
             -> use one of these names in base_url (--base-url), or issue a certificate for the current name
    exit 4
    ");
}

#[test]
fn a_server_without_tls() {
    // The server closes the connection after the TLS greeting.
    let site = HttpServer::start([Reply::Bytes(Vec::new())]);
    let env = env_with_key();
    let url = site.url().replace("http:", "https:");
    let seen = seen(&env, &["--base-url", &url], &[(site.host(), "[host]")]);
    let tls = seen.lines().skip_while(|line| !line.starts_with("failed"));
    assert_seen!(tls.take(2).collect::<Vec<_>>().join("\n"), @"
    failed | tls | [time] | cannot connect to [host]: unexpected end of file
             -> check base_url (--base-url); the server may not support TLS on this port
    ");
}

/// Doctor reports that certificates are not checked, with any other result.
#[test]
fn certificates_that_are_not_checked() {
    let site = Site::tls(CertificateAuthority::new("ours").server("localhost"));
    let mut env = env_with_key();
    env.set("HH_VERIFY_SSL", "false");
    let seen = seen(
        &env,
        &["--base-url", &site.url(), "--quiet"],
        &[(&site.host(), "[host]")],
    );
    let printed = seen.lines().filter(|line| line.contains("verify_ssl"));
    assert_seen!(printed.collect::<Vec<_>>().join("\n"), @"
    ok | tls | [time] | TLS 1.3; certificate for localhost, signed by CN=ours, valid from 1975-01-01 to 4096-01-01; certificates are not verified (verify_ssl from HH_VERIFY_SSL (environment))
    note | verify_ssl (HH_VERIFY_SSL (environment)) is off, so others on the network can read the API key; set ca_bundle to trust your certificate authority instead
    ! warning: certificates are not verified (verify_ssl from HH_VERIFY_SSL (environment))
    ");
    assert!(seen.ends_with("exit 0"), "{seen}");
}
