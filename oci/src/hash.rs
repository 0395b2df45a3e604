//! SHA-256 of what is in memory.
//!
//! Invariant: a digest is always 64 lower-case hexadecimal digits; over several parts it is over their lengths too.

use sha2::{Digest, Sha256};

/// The SHA-256 of some bytes, as hexadecimal digits.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes.as_ref()))
}

/// The SHA-256 over parts, each preceded by its length as eight big-endian bytes.
#[must_use]
pub fn sha256_framed<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.as_ref().len() as u64).to_be_bytes());
        hasher.update(part.as_ref());
    }
    hex(&hasher.finalize())
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Whether this is a SHA-256 as [`sha256`] writes it.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{is_sha256, sha256, sha256_framed};

    #[test]
    fn known_digests() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(""), empty);
        assert_eq!(sha256_framed([""; 0]), empty);
        assert!(is_sha256(empty) && !is_sha256(&empty.to_uppercase()) && !is_sha256(&empty[1..]));
        assert_ne!(sha256_framed(["ab", "c"]), sha256_framed(["a", "bc"]));
    }
}
