//! Compares an authorized request with a request to a bare route.

use std::path::Path;

use anyhow::Result;

use super::super::cpu_time::ROUNDS;
use super::super::data_dir::Server;
use super::super::limits::Limits;
use super::super::load::Load;
use super::super::program::Program;

/// Number of requests in a round. The kernel counts CPU time in units of 10 ms.
const REQUESTS: u32 = 60_000;
const CONNECTIONS: [usize; 2] = [8, 64];
/// The limit of the ratio to a bare route.
const LIMIT: f64 = 1.3;

/// Prints the CPU time of a request with a key and of one to a bare route, which are measured in turn.
pub(super) fn measure(programs: &Path, server: &Server, limits: &mut Limits) -> Result<()> {
    let home = tempfile::tempdir()?;
    let bare = Program::start::<&str>(&programs.join("bench-bare-route"), &[], home.path())?;
    for connections in CONNECTIONS {
        let of_bare = whoami(None, connections);
        let of_server = whoami(Some(&server.key), connections);
        let (mut best, mut best_bare) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            best_bare = best_bare.min(of_bare.micros(&bare, REQUESTS)?);
            best = best.min(of_server.micros(&server.program, REQUESTS)?);
        }
        limits.compare(
            &format!("whoami with a key, {connections} connections"),
            best,
            ("a bare axum route", best_bare),
            Some(LIMIT),
        );
    }
    Ok(())
}

/// Returns the CPU time of a request with a key in one round, in microseconds.
pub(super) fn micros(server: &Server) -> Result<f64> {
    whoami(Some(&server.key), CONNECTIONS[0]).micros(&server.program, REQUESTS)
}

fn whoami(key: Option<&str>, connections: usize) -> Load {
    let authorization = key.map_or_else(String::new, |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    Load {
        head: format!("GET /v1/auth/whoami HTTP/1.1\r\nhost: localhost\r\n{authorization}\r\n"),
        bodies: vec![Vec::new()],
        connections,
    }
}
