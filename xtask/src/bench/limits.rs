//! Compares figures with those of a base, and collects the limits that they exceed.

use anyhow::{Result, ensure};

use crate::output::print_line;

/// The limits that the figures of a run exceed.
#[derive(Default)]
pub(super) struct Limits {
    exceeded: Vec<String>,
}

impl Limits {
    /// Prints the ratio of a CPU time to that of a base, both in microseconds, and checks it if it has a limit.
    pub(super) fn compare(
        &mut self,
        name: &str,
        micros: f64,
        (base, base_micros): (&str, f64),
        limit: Option<f64>,
    ) {
        let ratio = micros / base_micros;
        let shown = limit.map_or_else(String::new, |limit| format!(", limit {limit}"));
        print_line(format_args!(
            "{name}: {micros:.2} us CPU; {base}: {base_micros:.2} us; ratio {ratio:.2}{shown}"
        ));
        if let Some(limit) = limit {
            self.check(name, ratio, limit);
        }
    }

    /// Checks a ratio.
    pub(super) fn check(&mut self, name: &str, ratio: f64, limit: f64) {
        if ratio > limit {
            self.add(format!("{name}: ratio {ratio:.2}, limit {limit}"));
        }
    }

    /// Adds a figure that exceeds its limit.
    pub(super) fn add(&mut self, exceeded: String) {
        self.exceeded.push(exceeded);
    }

    /// Finishes the run.
    ///
    /// # Errors
    /// Returns an error with all figures that exceed their limits.
    pub(super) fn finish(self) -> Result<()> {
        ensure!(
            self.exceeded.is_empty(),
            "beyond the limits:\n{}",
            self.exceeded.join("\n")
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_figures_above_their_limits_are_errors() {
        let mut limits = Limits::default();
        limits.compare("a span", 2.0, ("a row", 1.0), Some(2.0));
        limits.compare("a span without a limit", 9.0, ("a row", 1.0), None);
        assert!(limits.finish().is_ok());
        let mut limits = Limits::default();
        limits.compare("a span", 2.5, ("a row", 1.0), Some(2.0));
        limits.check("a page", 1.0, 3.0);
        limits.add("memory: 9 MiB".to_owned());
        let error = limits.finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "beyond the limits:\na span: ratio 2.50, limit 2\nmemory: 9 MiB"
        );
    }
}
