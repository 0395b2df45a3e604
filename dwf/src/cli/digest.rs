//! The digest of a plan, as a person writes it.

use std::fmt;
use std::str::FromStr;

/// SHA-256 of a plan; shown as plans show theirs, `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanDigest(String);

impl FromStr for PlanDigest {
    type Err = String;

    /// Takes the digest with or without `sha256:` in front, in letters of either case.
    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        match hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(hex.to_ascii_lowercase())),
            false => {
                Err("a plan's digest is sha256: and 64 hexadecimal digits, as `dwf plan` prints it"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_as_they_are_written() {
        let hex = "0123456789abcdef".repeat(4);
        for good in [hex.clone(), format!("sha256:{hex}"), format!("sha256:{}", hex.to_uppercase())] {
            assert_eq!(good.parse::<PlanDigest>().unwrap().to_string(), format!("sha256:{hex}"), "{good}");
        }
        for bad in [
            "",
            "sha256:",
            &hex[1..],
            &format!("{hex}0"),
            &format!("sha512:{hex}"),
            &format!("SHA256:{hex}"),
            &format!("{}g", &hex[1..]),
            &format!("{}é", &hex[2..]),
            &format!(" {hex}"),
        ] {
            assert!(bad.parse::<PlanDigest>().is_err(), "{bad}");
        }
    }
}
