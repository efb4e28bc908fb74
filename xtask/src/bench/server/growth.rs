//! Measures the CPU time of a stored span in databases of different sizes.

use std::path::Path;
use std::{fs, iter};

use anyhow::{Context as _, Result};

use super::super::cpu_time::ROUNDS;
use super::super::data_dir::DataDir;
use super::super::limits::Limits;
use super::spans;

/// Number of events in the smallest database.
const SMALLEST: u64 = 10_000;
/// The limit of the ratio to the smallest database.
const LIMIT: f64 = 2.0;
/// Number of exports in a round. A round must not change the size of the smallest database much.
const EXPORTS: u32 = 100;
/// Number of exports before a round, which read pages and prepare statements.
const WARM_UP: u32 = 10;
/// The number of events from which all rounds together change the size by at most a tenth.
const LARGE: u64 = 1_000_000;

/// A database, and the shortest CPU time of a span in it, in microseconds.
struct Size<'a> {
    events: u64,
    data: DataDir<'a>,
    best: f64,
}

/// Prints the CPU time of a stored span by the number of events that are stored already. Each round measures all sizes.
pub(super) fn measure(programs: &Path, largest: u64, limits: &mut Limits) -> Result<()> {
    let (home, honeyhive) = (tempfile::tempdir()?, programs.join("honeyhive"));
    let tool = programs.join("bench-database");
    let filled = |events: u64| home.path().join(format!("{events}.db"));
    let mut sizes = Vec::new();
    for events in sizes_up_to(largest) {
        let data = DataDir::new(&honeyhive, home.path(), &events.to_string());
        data.fill(&tool, events)?;
        if events < LARGE {
            fs::copy(data.database(), filled(events))?;
        }
        sizes.push(Size {
            events,
            data,
            best: f64::MAX,
        });
    }
    for round in 0..ROUNDS {
        for Size { events, data, best } in &mut sizes {
            if *events < LARGE {
                fs::copy(filled(*events), data.database())?;
            }
            let server = data.start()?;
            spans::micros(&server, &spans::PROTOBUF, ROUNDS + round, WARM_UP)?;
            *best = best.min(spans::micros(&server, &spans::PROTOBUF, round, EXPORTS)?);
        }
    }
    let smallest = sizes.first().context("no size was measured")?;
    let base = (&*format!("with {}", smallest.events), smallest.best);
    for Size { events, best, .. } in sizes.iter().skip(1) {
        let name = format!("a stored span with {events} stored events");
        limits.compare(&name, *best, base, Some(LIMIT));
    }
    Ok(())
}

/// Returns the powers of ten from the smallest size on, and the largest size.
fn sizes_up_to(largest: u64) -> impl Iterator<Item = u64> {
    iter::successors(Some(SMALLEST), |events| events.checked_mul(10))
        .take_while(move |events| *events < largest)
        .chain([largest.max(SMALLEST)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_tenfold_up_to_the_largest() {
        let sizes = |largest| sizes_up_to(largest).collect::<Vec<_>>();
        assert_eq!(sizes(1_000_000), [10_000, 100_000, 1_000_000]);
        assert_eq!(sizes(200_000), [10_000, 100_000, 200_000]);
        assert_eq!(sizes(10_000), [10_000]);
        assert_eq!(sizes(1), [10_000]);
    }
}
