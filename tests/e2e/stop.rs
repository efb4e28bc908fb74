//! A server that receives a stop signal, and two servers with one data directory.

use hh_testing::run;

use super::http::{count, export, spans};
use super::support::{TestDir, key_in};

#[test]
fn a_signal_stops_the_server_and_nothing_is_lost() {
    let place = TestDir::new();
    let mut server = place.start();
    let key = key_in(&place.make_key(&server, "read_write"));
    for (round, signal) in (1..).zip(["TERM", "INT"]) {
        export(server.address(), &key, &spans("tool", round, 10)).unwrap();
        let done = server.stop(signal);
        assert_eq!(done.code, 0, "{signal}: {done:?}");
        assert!(done.stderr.ends_with("Stopped\n"), "{signal}: {done:?}");
        assert_eq!(done.stdout, "", "{signal}");

        server = place.start();
        assert_eq!(count(server.address(), &key, "tool"), round * 10);
    }
}

#[test]
fn a_data_directory_has_one_server() {
    let place = TestDir::new();
    let server = place.start();
    let key = key_in(&place.make_key(&server, "read_write"));
    let done = run(&mut place.server_command());
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    let printed = done
        .stderr
        .replace(place.root().to_str().unwrap(), "[ROOT]");
    insta::assert_snapshot!(printed, @"
    error: another server uses the data directory [ROOT]/data
      hint: stop it, or choose another directory with --data-dir
    ");
    // The first server is not affected.
    export(server.address(), &key, &spans("tool", 1, 1)).unwrap();
    assert_eq!(count(server.address(), &key, "tool"), 1);
}
