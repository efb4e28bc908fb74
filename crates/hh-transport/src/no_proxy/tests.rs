use proptest::prelude::*;

use super::NoProxy;

fn is_direct(list: &str, url: &str) -> bool {
    NoProxy::parse(list).is_direct(&url.parse().unwrap())
}

/// Each list, with hosts that it matches and hosts that it does not match.
const TABLE: &[(&str, &[&str], &[&str])] = &[
    ("", &[], &["api.corp.example", "10.1.2.3", "[fd00::1]"]),
    (
        "corp.example",
        &[
            "corp.example",
            "api.corp.example",
            "a.b.corp.example",
            "api.corp.example:8443",
        ],
        &["notcorp.example", "corp.example.evil.test", "example"],
    ),
    (
        ".corp.example",
        &["corp.example", "api.corp.example"],
        &["notcorp.example"],
    ),
    (
        "*.corp.example",
        &["api.corp.example", "a.b.corp.example"],
        &["corp.example", "notcorp.example", "xcorp.example"],
    ),
    (
        "corp.example:443",
        &["corp.example", "api.corp.example:443"],
        &["corp.example:8443"],
    ),
    (
        "*.corp.example:8443",
        &["api.corp.example:8443"],
        &["api.corp.example", "corp.example:8443"],
    ),
    (
        ".corp.example:8443",
        &["corp.example:8443", "api.corp.example:8443"],
        &["corp.example"],
    ),
    ("*", &["corp.example", "10.1.2.3", "[fd00::1]"], &[]),
    (
        "*:8443",
        &["corp.example:8443", "10.1.2.3:8443"],
        &["corp.example"],
    ),
    // Separators.
    ("foo corp.example", &["corp.example", "foo"], &["bar"]),
    ("foo\tcorp.example", &["corp.example", "foo"], &[]),
    ("foo,\n corp.example", &["corp.example", "foo"], &[]),
    ("foo;corp.example", &["corp.example", "foo"], &[]),
    (
        " , ;foo,,corp.example, ",
        &["corp.example", "foo"],
        &["bar"],
    ),
    // Dots at the end, and case.
    (
        "corp.example.",
        &["corp.example", "api.corp.example", "corp.example."],
        &["corp.example.x"],
    ),
    ("corp.example", &["api.corp.example."], &[]),
    ("corp.example.:443", &["corp.example"], &[]),
    ("Corp.EXAMPLE", &["corp.example", "API.corp.example"], &[]),
    ("*.CORP.example", &["Api.Corp.Example"], &[]),
    ("bücher.example", &["xn--bcher-kva.example"], &[]),
    ("my_host", &["my_host"], &[]),
    // Addresses.
    ("10.1.2.3", &["10.1.2.3", "10.1.2.3:8443"], &["10.1.2.4"]),
    ("10.1.2.3:443", &["10.1.2.3"], &["10.1.2.3:8443"]),
    ("::1", &["[::1]"], &["[::2]"]),
    (
        "[fd00::1]",
        &["[fd00::1]", "[fd00::1]:8443"],
        &["[fd00::2]"],
    ),
    ("fd00::1", &["[fd00:0:0::1]"], &["[fd00::2]"]),
    ("[FD00::1]:8080", &["[fd00::1]:8080"], &["[fd00::1]"]),
    // Networks.
    ("10.0.0.0/8", &["10.1.2.3", "10.255.255.255"], &["11.0.0.1"]),
    ("10.9.9.9/8", &["10.1.2.3"], &["11.0.0.1"]),
    ("10.0.0.0/8:8443", &["10.1.2.3:8443"], &["10.1.2.3"]),
    ("192.168.4.0/23", &["192.168.5.255"], &["192.168.6.0"]),
    ("10.1.2.3/32", &["10.1.2.3"], &["10.1.2.2"]),
    ("0.0.0.0/0", &["10.1.2.3"], &["[fd00::1]", "corp.example"]),
    ("fd00::/8", &["[fd12::1]"], &["[fe80::1]", "10.1.2.3"]),
    ("[fd00::]/8", &["[fd12::1]"], &["[fe80::1]"]),
    ("::/0", &["[fd12::1]"], &["10.1.2.3"]),
    // IPv4-mapped addresses.
    ("10.0.0.0/8", &["[::ffff:10.1.2.3]"], &["[::ffff:11.1.2.3]"]),
    (
        "::ffff:10.1.2.3",
        &["10.1.2.3", "[::ffff:a01:203]"],
        &["10.1.2.4"],
    ),
    ("[::ffff:10.0.0.0]/104", &["10.1.2.3"], &["11.1.2.3"]),
    // An address is not a name.
    ("3", &[], &["10.1.2.3"]),
    ("2.3", &[], &["10.1.2.3"]),
];

#[test]
fn lists_and_the_hosts_that_they_match() {
    for (list, direct, proxied) in TABLE {
        let is_direct = |host: &&str| is_direct(list, &format!("https://{host}/path"));
        for host in *direct {
            assert!(is_direct(host), "{list:?} matches {host}");
        }
        for host in *proxied {
            assert!(!is_direct(host), "{list:?} does not match {host}");
        }
    }
}

#[test]
fn entries_that_are_not_understood_are_ignored_and_returned() {
    for entry in [
        "foo.*",
        "*corp.example",
        "api-*.corp.example",
        "10.*",
        "10.",
        "10",
        "192.168",
        "10.0.0.0/33",
        "fd00::/129",
        "10.0.0.0/255.0.0.0",
        "corp.example:",
        "corp.example:0",
        "corp.example:99999",
        "corp.example:https",
        "corp.example:+443",
        "http://corp.example",
        "corp.example/path",
        "user@corp.example",
        "<local>",
        "\"corp.example\"",
        "[::1",
        "[10.1.2.3]",
        "[fe80::1%eth0]",
        "a..b",
        ".",
        "*.",
        "..corp.example",
        "%63orp.example",
    ] {
        let parsed = NoProxy::parse(&format!("before.example,{entry},after.example"));
        assert_eq!(parsed.ignored(), [entry]);
        let is_direct = |url: &str| parsed.is_direct(&url.parse().unwrap());
        assert!(is_direct("https://before.example/") && is_direct("https://after.example/"));
        assert!(!is_direct("https://corp.example/"), "{entry}");
    }
    for (list, ..) in TABLE {
        let ignored = NoProxy::parse(list).ignored;
        // A number alone is not a host.
        assert!(ignored.is_empty() || ignored == [*list], "{list}");
    }
}

#[test]
fn plain_http_and_this_machine_are_always_reached_directly() {
    for url in [
        "http://api.corp.example/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "https://localhost:1/",
        "https://[::1]:8080/",
    ] {
        assert!(is_direct("", url), "{url}");
    }
}

proptest! {
    #[test]
    fn any_list_is_parsed(list in r"\PC{0,40}", host in "[a-z.]{1,12}|[0-9a-f:]{2,9}") {
        let parsed = NoProxy::parse(&list);
        if let Ok(uri) = format!("https://{host}/").parse() {
            let _direct = parsed.is_direct(&uri);
        }
    }

    /// A network contains the addresses that share its first bits.
    #[test]
    fn networks_follow_their_prefix(network: u32, address: u32, prefix in 0..=32_u32) {
        let is_inside = (network ^ address).checked_shr(32 - prefix).unwrap_or(0) == 0;
        let list = format!("{}/{prefix}", std::net::Ipv4Addr::from(network));
        let url = format!("https://{}/", std::net::Ipv4Addr::from(address));
        let is_loopback = address >> 24 == 127;
        prop_assert_eq!(is_direct(&list, &url), is_inside || is_loopback);
    }
}
