//! Conversions of values that both encodings use.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::Value;

/// The decoder of base64 with or without padding.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const ANY_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const ANY_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// Returns bytes as JSON: base64 with the standard alphabet and padding.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

/// Decodes base64 with the standard or the URL-safe alphabet, with or without padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    ANY_STANDARD
        .decode(text)
        .or_else(|_| ANY_URL_SAFE.decode(text))
        .ok()
}
