//! Compares a stored span with the insert of its rows by a bare writer.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::super::cpu_time::ROUNDS;
use super::super::data_dir::Server;
use super::super::limits::Limits;
use super::super::otlp;
use super::spans;
use crate::output::print_line;
use crate::process;

/// The limit of the ratio to a bare writer.
const LIMIT: f64 = 2.0;
/// Number of exports whose transactions are counted. Their pages fit into the log, which the server reuses after about
/// 4,000 pages.
const COUNTED: u32 = 40;

/// Returns the average number of exports that the server stores in one transaction, by the commits in its log.
pub(super) fn exports_per_transaction(server: &Server, database: &Path) -> Result<f64> {
    let log = database.with_extension("db-wal");
    let transactions = || -> Result<u32> {
        let is_new = !log.exists();
        let log = if is_new { Vec::new() } else { fs::read(&log)? };
        Ok(u32::try_from(commits(&log))?)
    };
    let before = transactions()?;
    // The rounds before this one are stored already.
    spans::micros(server, &spans::PROTOBUF, ROUNDS, COUNTED)?;
    let stored = transactions()?.checked_sub(before);
    let stored = stored.context("the server has reused its log")?;
    ensure!(stored > 0, "the log of the server has no transaction");
    Ok(f64::from(COUNTED) / f64::from(stored))
}

/// Counts the transactions in a write-ahead log.
fn commits(log: &[u8]) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let Some((header, frames)) = log.split_at_checked(HEADER) else {
        return 0;
    };
    // Frames from before the last reuse have other salts. The last frame of a transaction has the size of the database.
    let commits = frames
        .chunks_exact(FRAME)
        .take_while(|frame| frame[8..16] == header[16..24])
        .filter(|frame| frame[4..8] != [0; 4]);
    commits.count()
}

/// A bare writer, which inserts the rows of a database that the server has filled into an empty one.
pub(super) struct Writer<'a> {
    pub(super) program: &'a Path,
    pub(super) stored: &'a Path,
    /// The database of a server that has stored nothing.
    pub(super) empty: &'a Path,
    /// The average number of exports in one transaction of the server.
    pub(super) exports: f64,
}

impl Writer<'_> {
    /// Prints the CPU time of a stored span, and of its rows with and without the counts of events.
    pub(super) fn compare(&self, home: &Path, span: f64, limits: &mut Limits) -> Result<()> {
        print_line(format_args!(
            "exports in one transaction: {:.1} in the server, {:.0} in the bare writer",
            self.exports,
            self.exports.round()
        ));
        for (tables, base, limit) in [
            ("all", "a bare writer of the same rows", Some(LIMIT)),
            ("events", "a bare writer without counts", None),
        ] {
            let copy = home.join(format!("{tables}.db"));
            fs::copy(self.empty, &copy)?;
            let micros = self.micros(&copy, tables)?;
            let name = format!("a stored span in protobuf, {} in each request", otlp::SPANS);
            limits.compare(&name, span, (base, micros), limit);
        }
        Ok(())
    }

    /// Returns the CPU time of the rows of one span in the best round, in microseconds.
    fn micros(&self, into: &Path, tables: &str) -> Result<f64> {
        let mut command = Command::new(self.program);
        command.arg(self.stored).arg(into).arg(tables);
        command.arg(ROUNDS.to_string());
        command.arg(spans::EXPORTS.to_string());
        command.arg(otlp::SPANS.to_string());
        command.arg(format!("{:.0}", self.exports.round()));
        let printed = process::output(command)?;
        printed
            .trim()
            .parse()
            .context("the bare writer printed no time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_since_the_last_reuse_of_a_log_are_counted() {
        let frame = |salt: u8, size: u8| {
            let mut frame = vec![0; 24 + 4096];
            frame[7] = size;
            frame[8..16].fill(salt);
            frame
        };
        let mut header = vec![0; 32];
        header[16..24].fill(7);
        let log = [header, frame(7, 0), frame(7, 9), frame(7, 9), frame(6, 9)].concat();
        assert_eq!(commits(&log), 2);
        assert_eq!(commits(&[]), 0);
    }
}
