//! Reads numbers of JSON without changing their value.
//!
//! Senders write 64-bit integers as numbers or text, with fractions (`3.0`) or exponents (`1e+21`), and larger than the
//! type allows.

use serde_json::Value;

/// A number as decimal digits and an exponent: `digits * 10^exponent`.
struct Decimal {
    is_negative: bool,
    /// The digits without zeros at both ends; empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses a decimal number; returns `None` for any other text.
    fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let digits = [whole, fraction].concat();
        let significant = digits.trim_end_matches('0');
        let cut = digits.len() - significant.len();
        let places = i64::try_from(cut).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Self {
            is_negative,
            digits: significant.trim_start_matches('0').to_owned(),
            exponent: exponent.checked_add(places)?,
        })
    }

    /// Returns the number as an integer, without a fraction if `is_floored` is true.
    fn integer(&self, is_floored: bool) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let exponent = isize::try_from(self.exponent).ok()?;
        let length = self.digits.len().checked_add_signed(exponent);
        let digits = match length {
            // 2^64 has 20 digits.
            Some(length) if length > 20 => return None,
            Some(length) if length >= self.digits.len() => {
                format!("{}{}", self.digits, "0".repeat(length - self.digits.len()))
            }
            _ if !is_floored => return None,
            Some(length @ 1..) => self.digits[..length].to_owned(),
            Some(0) | None => "0".to_owned(),
        };
        let number: i128 = digits.parse().ok()?;
        Some(if self.is_negative { -number } else { number })
    }

    /// Returns whether a double has exactly this value, or is printed with exactly this value.
    fn is_equal(&self, number: f64) -> bool {
        // The first text has all digits of the double, the second one only those that identify it.
        let texts = [format!("{number:.0}"), format!("{number:e}")];
        texts.iter().any(|text| {
            Self::parse(text).is_some_and(|other| {
                (self.is_negative, &self.digits, self.exponent)
                    == (other.is_negative, &other.digits, other.exponent)
            })
        })
    }
}

/// Returns the value of an integer: a number if a JSON number keeps its value, else the text.
pub(crate) fn integer(text: &str) -> Value {
    let trimmed = text.trim();
    if let Ok(number) = trimmed.parse::<i64>() {
        return Value::from(number);
    }
    let Some(decimal) = Decimal::parse(trimmed) else {
        return Value::from(text);
    };
    let whole = decimal.integer(false);
    if let Some(number) = whole.and_then(|number| i64::try_from(number).ok()) {
        return Value::from(number);
    }
    if let Some(number) = whole.and_then(|number| u64::try_from(number).ok()) {
        return Value::from(number);
    }
    match trimmed.parse::<f64>() {
        Ok(number) if number.is_finite() && keeps(&decimal, number) => Value::from(number),
        _ => Value::from(text),
    }
}

/// Returns whether a double keeps the value of an integer that has more than 64 bits or a fraction.
fn keeps(decimal: &Decimal, number: f64) -> bool {
    let is_whole = decimal.exponent >= 0;
    if is_whole {
        decimal.is_equal(number)
    } else {
        number != 0.0
    }
}

/// Returns the value of a double: the nearest double, or the text if that would be zero or infinite.
pub(crate) fn float(text: &str) -> Value {
    let trimmed = text.trim();
    let Ok(number) = trimmed.parse::<f64>() else {
        return Value::from(text);
    };
    let is_decimal = trimmed.bytes().any(|byte| byte.is_ascii_digit());
    let is_lost = is_decimal && (number.is_infinite() || number == 0.0);
    if is_lost && Decimal::parse(trimmed).is_none_or(|decimal| !decimal.digits.is_empty()) {
        return Value::from(text);
    }
    double(number)
}

/// Returns a double; values that JSON does not have become text, with their names in the JSON encoding of OTLP.
pub(crate) fn double(number: f64) -> Value {
    match serde_json::Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => Value::from("NaN"),
        None if number > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// Returns a number that is not negative, without its fraction; `None` if it is not one or has more than 64 bits.
pub(crate) fn unsigned(text: &str) -> Option<u64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number = Decimal::parse(text)?.integer(true)?;
        u64::try_from(number).ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_keep_their_value() {
        for (text, expected) in [
            ("3", json!(3)),
            ("3.0", json!(3)),
            ("-3.00", json!(-3)),
            ("1e3", json!(1000)),
            (" 42 ", json!(42)),
            ("+7", json!(7)),
            ("30e-1", json!(3)),
            ("0", json!(0)),
            ("0.0", json!(0)),
            ("0e999999999", json!(0)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("9223372036854775807.0", json!(i64::MAX)),
            ("9223372036854775808", json!(9_223_372_036_854_775_808_u64)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.8446744073709551615e19", json!(u64::MAX)),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            (
                "1180591620717411303424",
                json!(1_180_591_620_717_411_303_424.0),
            ),
            ("1180591620717411303425", json!("1180591620717411303425")),
            ("1e21", json!(1e21)),
            ("1e+21", json!(1e21)),
            ("-1E21", json!(-1e21)),
            ("1e23", json!(1e23)),
            ("1e308", json!(1e308)),
            ("1e400", json!("1e400")),
            ("1e-400", json!("1e-400")),
            ("0.5", json!(0.5)),
            ("1e99999999999999999999", json!("1e99999999999999999999")),
            ("", json!("")),
            ("many", json!("many")),
            ("1.2.3", json!("1.2.3")),
            ("0x10", json!("0x10")),
            ("-", json!("-")),
            (".", json!(".")),
            ("e5", json!("e5")),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn doubles_are_numbers_unless_they_would_be_lost() {
        for (text, expected) in [
            ("0.5", json!(0.5)),
            ("3", json!(3.0)),
            ("-0", json!(-0.0)),
            ("1e-400", json!("1e-400")),
            ("1e400", json!("1e400")),
            ("0e400", json!(0.0)),
            ("NaN", json!("NaN")),
            ("nan", json!("NaN")),
            ("Infinity", json!("Infinity")),
            ("-Infinity", json!("-Infinity")),
            ("inf", json!("Infinity")),
            ("+inf", json!("Infinity")),
            ("half", json!("half")),
        ] {
            assert_eq!(float(text), expected, "{text}");
        }
    }

    #[test]
    fn times_are_exact() {
        for (text, expected) in [
            ("1764400000000000001", Some(1_764_400_000_000_000_001)),
            ("1.7644e+18", Some(1_764_400_000_000_000_000)),
            ("1764400000000000001.9", Some(1_764_400_000_000_000_001)),
            ("0.9", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("-0", Some(0)),
            ("now", None),
            ("NaN", None),
            ("1e400", None),
            ("1e-9999999", Some(0)),
        ] {
            assert_eq!(unsigned(text), expected, "{text}");
        }
    }
}
