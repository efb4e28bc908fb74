//! Servers that cannot start.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use hh_testing::ServerProcess;

use super::support::TestDir;

/// The first key is printed once, so a failed start must not create it.
#[test]
fn a_start_without_descriptors_costs_no_key() {
    for limit in 8.. {
        let place = TestDir::new();
        let server = place.server_command();
        let mut limited = place.command_of("sh");
        limited
            .args(["-c", &format!("ulimit -n {limit}; exec \"$@\""), "sh"])
            .arg(server.get_program())
            .args(server.get_args())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = limited.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        if line.starts_with("Listening on ") {
            assert!(limit > 16, "no start failed");
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        let exit = child.wait().unwrap();
        let mut printed = String::new();
        let stderr = child.stderr.take().unwrap();
        BufReader::new(stderr).read_to_string(&mut printed).unwrap();
        assert!(!printed.contains("panicked"), "{limit}: {exit}, {printed}");
        let shown = "Admin key of";
        if !printed.contains(shown) {
            ServerProcess::start(&mut place.server_command())
                .wait_for_line(|line| line.contains(shown));
        }
    }
}
