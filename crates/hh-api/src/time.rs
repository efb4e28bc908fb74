//! Times of the wire.

const NANOS_PER_MILLI: i64 = 1_000_000;

/// Returns nanoseconds as the wire's floating milliseconds. The whole ones are converted apart, so that the result is
/// exact to a microsecond in this century.
///
/// ```
/// assert_eq!(hh_api::to_millis(1_795_461_676_880_265_471), 1_795_461_676_880.265_4);
/// ```
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "the wire's times are floating milliseconds"
)]
pub fn to_millis(nanos: i64) -> f64 {
    let whole = nanos.div_euclid(NANOS_PER_MILLI) as f64;
    whole + nanos.rem_euclid(NANOS_PER_MILLI) as f64 / 1e6
}
