//! A large text that resembles keys and contains none.

use std::fmt::Write as _;

use hh_auth::{ApiKey, Checksum, checksum};

use crate::support::TestEnv;

/// The amount in MiB; `HH_TEST_SCAN_MIB=200` selects the long form.
const MIB: usize = 8;

/// A generator of characters of keys, from a fixed seed.
struct DigitSource(u64);

impl Iterator for DigitSource {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        // The xorshift64 algorithm.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(char::from(
            DIGITS[usize::try_from(self.0 >> 32).unwrap() % 62],
        ))
    }
}

#[test]
fn no_wrong_checksum_is_confirmed() {
    let mib = std::env::var_os("HH_TEST_SCAN_MIB")
        .map_or(MIB, |mib| mib.to_str().unwrap().parse().unwrap());
    let env = TestEnv::new();
    let mut digits = DigitSource(0x9e37_79b9_7f4a_7c15);
    let mut lines = 0_u64;
    for part in 0..mib {
        let mut text = String::with_capacity(1 << 20);
        while text.len() < 1 << 20 {
            let key: String = "hh_".chars().chain(digits.by_ref().take(40)).collect();
            if checksum(&ApiKey::parse(&key).unwrap()) == Checksum::Invalid {
                writeln!(text, "{key}").unwrap();
                lines += 1;
            }
        }
        env.write(&format!("part-{part}"), text);
    }
    let report = env.json(&["auth", "scan"]);
    let findings = report["findings"].as_array().unwrap();
    let confirmed = findings
        .iter()
        .filter(|one| one["confidence"] == "confirmed");
    assert_eq!(confirmed.count(), 0);
    // The scan read them: each is possible, except for a few that resemble placeholders.
    let possible = findings.len() as u64 + report["omitted"].as_u64().unwrap();
    assert!(
        possible > lines / 1_000 * 998 && possible <= lines,
        "{possible} of {lines}"
    );
    println!("{mib} MiB: {lines} wrong checksums, 0 confirmed, {possible} possible");
}
