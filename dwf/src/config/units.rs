//! Sizes, ages and version ranges as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// A number of bytes: `20 GB`, `512 MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Size(pub u64);

/// A span of time: `30 days`, `12 hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Age(pub Duration);

/// A version range: comparisons joined by commas, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Versions {
    text: String,
    bounds: Vec<(Comparison, [u64; 3])>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
}

fn number_and_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].trim().to_ascii_lowercase();
    Some((text[..digits].parse().ok()?, unit))
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let factor = |unit: &str| {
            Some(match unit {
                "b" => 1,
                "kb" => 1_000,
                "mb" => 1_000_000,
                "gb" => 1_000_000_000,
                "tb" => 1_000_000_000_000,
                "kib" => 1 << 10,
                "mib" => 1 << 20,
                "gib" => 1 << 30,
                "tib" => 1_u64 << 40,
                _ => return None,
            })
        };
        number_and_unit(&text)
            .and_then(|(number, unit)| number.checked_mul(factor(&unit)?))
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a size: write it like \"20 GB\" or \"512 MiB\""))
    }
}

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let seconds = |unit: &str| {
            Some(match unit.strip_suffix('s').unwrap_or(unit) {
                "minute" => 60,
                "hour" => 3_600,
                "day" => 86_400,
                "week" => 7 * 86_400,
                _ => return None,
            })
        };
        number_and_unit(&text)
            .and_then(|(number, unit)| number.checked_mul(seconds(&unit)?))
            .map(|seconds| Self(Duration::from_secs(seconds)))
            .ok_or_else(|| {
                format!("{text:?} is not a span of time: write it like \"30 days\" or \"12 hours\"")
            })
    }
}

/// A number of seconds that gives something a chance.
pub fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    enough(u64::deserialize(from)?).map(Some)
}

/// As [`seconds`], with the place where they are written.
pub fn seconds_at<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Spanned<u64>>, D::Error> {
    let seconds = Spanned::<u64>::deserialize(from)?;
    enough(*seconds.get_ref())?;
    Ok(Some(seconds))
}

fn enough<E: serde::de::Error>(seconds: u64) -> Result<u64, E> {
    match seconds {
        0 => Err(E::custom("0 seconds are no time at all: leave it out for the default")),
        seconds => Ok(seconds),
    }
}

/// A number of processors, such as `1.5`.
pub fn processors<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let number = f64::deserialize(from)?;
    match number.is_finite() && number > 0.0 {
        true => Ok(Some(number)),
        false => Err(serde::de::Error::custom(format!("{number} is not a number of processors"))),
    }
}

fn version(text: &str) -> Option<[u64; 3]> {
    // A pre-release or build suffix does not decide which release a range means.
    let plain = text.trim().split(['-', '+']).next()?;
    let mut out = [0; 3];
    let mut parts = plain.split('.');
    for slot in &mut out {
        match parts.next() {
            Some(part) => *slot = part.parse().ok()?,
            None => break,
        }
    }
    (!plain.is_empty() && parts.next().is_none()).then_some(out)
}

impl TryFrom<String> for Versions {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bound = |part: &str| {
            let part = part.trim();
            let table = [
                (">=", Comparison::AtLeast),
                ("<=", Comparison::AtMost),
                (">", Comparison::Above),
                ("<", Comparison::Below),
                ("=", Comparison::Equal),
                ("", Comparison::Equal),
            ];
            let (sign, comparison) = table.into_iter().find(|(sign, _)| part.starts_with(sign))?;
            Some((comparison, version(&part[sign.len()..])?))
        };
        match text.split(',').map(bound).collect() {
            Some(bounds) => Ok(Self { text, bounds }),
            None => Err(format!("{text:?} is not a version range: write it like \">=0.1, <0.2\"")),
        }
    }
}

impl Versions {
    /// Whether a version is in the range; one that is no version is not.
    pub fn contains(&self, text: &str) -> bool {
        let Some(found) = version(text) else { return false };
        self.bounds.iter().all(|(comparison, bound)| match comparison {
            Comparison::AtLeast => found >= *bound,
            Comparison::Above => found > *bound,
            Comparison::AtMost => found <= *bound,
            Comparison::Below => found < *bound,
            Comparison::Equal => found == *bound,
        })
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages() {
        assert_eq!(Size::try_from("20 GB".to_owned()), Ok(Size(20_000_000_000)));
        assert_eq!(Size::try_from("1MiB".to_owned()), Ok(Size(1 << 20)));
        assert_eq!(Age::try_from("30 days".to_owned()), Ok(Age(Duration::from_secs(30 * 86_400))));
        for bad in ["", "20", "GB", "20 cows", "99999999999999999999 GB", "-1 GB"] {
            assert!(Size::try_from(bad.to_owned()).is_err(), "{bad}");
            assert!(Age::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn version_ranges() {
        let range = Versions::try_from(">=0.1, <0.2".to_owned()).unwrap();
        assert!(range.contains("0.1.0") && range.contains("0.1.99-beta"));
        assert!(!range.contains("0.2.0") && !range.contains("0.0.9") && !range.contains("new"));
        for bad in ["", ">=", "one", ">=1.2.3.4", "^1.0"] {
            assert!(Versions::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
