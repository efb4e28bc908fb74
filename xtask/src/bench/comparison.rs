//! Compares the figures of this build with those of a baseline in one run.

use anyhow::{Result, ensure};

use crate::output::print_line;

/// The maximum ratio of a figure to the figure of the baseline.
const LIMIT: f64 = 1.15;

/// The best figures of two builds by name. The best one counts, because other work on the machine can only add time.
#[derive(Default)]
pub(super) struct Comparison {
    figures: Vec<(String, f64, f64)>,
}

impl Comparison {
    /// Adds a figure of the baseline and of this build; smaller is better.
    pub(super) fn add(&mut self, name: &str, baseline: f64, this: f64) {
        match self.figures.iter_mut().find(|(known, ..)| known == name) {
            Some((_, best_baseline, best_this)) => {
                *best_baseline = best_baseline.min(baseline);
                *best_this = best_this.min(this);
            }
            None => self.figures.push((name.to_owned(), baseline, this)),
        }
    }

    /// Prints every ratio.
    ///
    /// # Errors
    /// Fails if a figure is more than 15 % worse than the baseline.
    pub(super) fn finish(self) -> Result<()> {
        let mut worse = Vec::new();
        for (name, baseline, this) in &self.figures {
            let ratio = this / baseline;
            print_line(format_args!(
                "{name}: {this:.3}, baseline {baseline:.3}, ratio {ratio:.3}, limit {LIMIT}"
            ));
            if ratio > LIMIT {
                worse.push(name.as_str());
            }
        }
        ensure!(
            worse.is_empty(),
            "worse than the baseline: {}",
            worse.join(", ")
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_figures_are_compared() {
        let mut comparison = Comparison::default();
        comparison.add("start", 1.0, 2.0);
        comparison.add("start", 1.5, 1.1);
        assert!(comparison.finish().is_ok());
        let mut comparison = Comparison::default();
        comparison.add("start", 1.0, 1.0);
        comparison.add("call", 1.0, 1.2);
        let error = comparison.finish().unwrap_err();
        assert_eq!(error.to_string(), "worse than the baseline: call");
    }
}
