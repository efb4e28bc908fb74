//! Names of algorithms that certificates use, in particular of those that are not supported.

/// The hint for certificates with algorithms that are not supported.
pub(super) const USE_OTHERS: &str = "issue the certificates with SHA-256 or SHA-384 and keys of the type RSA, P-256, P-384 or Ed25519";

/// The content of an object identifier in DER, and a name.
type Named = (&'static [u8], &'static str);

const SIGNATURES: &[Named] = &[
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02", "MD2 and RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04", "MD5 and RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05", "SHA-1 and RSA"),
    (b"\x2b\x0e\x03\x02\x1d", "SHA-1 and RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", "SHA-224 and RSA"),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a",
        "RSA-PSS and unusual parameters",
    ),
    (b"\x2a\x86\x48\xce\x3d\x04\x01", "SHA-1 and ECDSA"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x01", "SHA-224 and ECDSA"),
    (b"\x2a\x86\x48\xce\x3d\x04\x03\x04", "SHA-512 and ECDSA"),
    (b"\x2a\x86\x48\xce\x38\x04\x03", "SHA-1 and DSA"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x01", "SHA-224 and DSA"),
    (b"\x60\x86\x48\x01\x65\x03\x04\x03\x02", "SHA-256 and DSA"),
    (b"\x2b\x65\x71", "Ed448"),
    (b"\x2a\x81\x1c\xcf\x55\x01\x83\x75", "SM3 and SM2"),
];

const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";

const KEYS: &[Named] = &[
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA"),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS"),
    (b"\x2a\x86\x48\xce\x38\x04\x01", "DSA"),
    (b"\x2b\x65\x70", "Ed25519"),
    (b"\x2b\x65\x71", "Ed448"),
];

const CURVES: &[Named] = &[
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x01", "P-192"),
    (b"\x2b\x81\x04\x00\x21", "P-224"),
    (b"\x2a\x86\x48\xce\x3d\x03\x01\x07", "P-256"),
    (b"\x2b\x81\x04\x00\x22", "P-384"),
    (b"\x2b\x81\x04\x00\x23", "P-521"),
    (b"\x2b\x81\x04\x00\x0a", "secp256k1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x07", "brainpoolP256r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", "brainpoolP384r1"),
    (b"\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", "brainpoolP512r1"),
    (b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d", "SM2"),
];

/// The types of keys that signatures are verified with.
const SUPPORTED: [&str; 4] = ["RSA", "P-256", "P-384", "Ed25519"];

/// Returns the name of a signature algorithm, from the content of its identifier in DER.
pub(super) fn signature(identifier: &[u8]) -> Option<&'static str> {
    let (oid, _) = element(identifier, 0x06)?;
    name(SIGNATURES, oid)
}

/// Returns the name of the type of a key, from the content of its algorithm identifier in DER.
pub(super) fn key(identifier: &[u8]) -> Option<&'static str> {
    let (oid, parameters) = element(identifier, 0x06)?;
    if oid == EC {
        let (curve, _) = element(parameters, 0x06)?;
        return name(CURVES, curve);
    }
    name(KEYS, oid)
}

/// Returns the type of the key of a certificate in DER if signatures of this type cannot be verified.
pub(super) fn unsupported_key(certificate: &[u8]) -> Option<&'static str> {
    let (certificate, _) = element(certificate, 0x30)?;
    let (body, _) = element(certificate, 0x30)?;
    // The version is optional. Serial number, signature algorithm, issuer, validity and subject follow.
    let mut rest = element(body, 0xa0).map_or(body, |(_, rest)| rest);
    for tag in [0x02, 0x30, 0x30, 0x30, 0x30] {
        (_, rest) = element(rest, tag)?;
    }
    let (info, _) = element(rest, 0x30)?;
    let (identifier, bits) = element(info, 0x30)?;
    let key = key(identifier)?;
    if !SUPPORTED.contains(&key) {
        return Some(key);
    }
    let (bits, _) = element(bits, 0x03)?;
    (key == "RSA" && is_short(bits)?).then_some("RSA with fewer than 2048 bits")
}

/// Returns whether the modulus of an RSA key has fewer than 2048 bits.
fn is_short(bits: &[u8]) -> Option<bool> {
    let (_unused_bits, key) = bits.split_first()?;
    let (key, _) = element(key, 0x30)?;
    let (modulus, _) = element(key, 0x02)?;
    // A positive number whose highest bit is set begins with a zero byte.
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let unused = modulus.first()?.leading_zeros() as usize;
    Some(modulus.len() * 8 - unused < 2048)
}

/// Returns the content of the first element in DER if it has this tag, and the rest.
pub(super) fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        // Longer elements are not part of any key or certificate.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let number = |number, byte: &u8| (number << 8) | usize::from(*byte);
            (length.iter().fold(0, number), rest)
        }
        _ => return None,
    };
    (*found == tag).then(|| rest.split_at_checked(length))?
}

fn name(names: &[Named], oid: &[u8]) -> Option<&'static str> {
    names
        .iter()
        .find_map(|(known, name)| (*known == oid).then_some(*name))
}
