//! Converts times to the format of the API.

/// The number of nanoseconds in a millisecond.
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Converts nanoseconds to the floating-point milliseconds of the API.
///
/// The result is exact to a microsecond in this century, because whole milliseconds are converted separately.
///
/// ```
/// assert_eq!(hh_api::to_millis(1_795_461_676_880_265_471), 1_795_461_676_880.265_4);
/// ```
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "the API has times in floating-point milliseconds"
)]
pub fn to_millis(nanos: i64) -> f64 {
    let whole = nanos.div_euclid(NANOS_PER_MILLI) as f64;
    whole + nanos.rem_euclid(NANOS_PER_MILLI) as f64 / 1e6
}
