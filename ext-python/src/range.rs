//! Ranges of versions, as the standard (PEP 440) has them and as Poetry writes them.

use pep440_rs::VersionSpecifiers;

/// A range; nothing when it is none.
pub(crate) fn parse(text: &str) -> Option<VersionSpecifiers> {
    // Poetry also takes a blank for a comma.
    let is_whole = |word: &str| word == "*" || word.contains(|c: char| c.is_ascii_digit());
    let parts = text.split(',').flat_map(|part| match part.split_whitespace().all(is_whole) {
        true => part.split_whitespace().collect(),
        false => vec![part.trim()],
    });
    let parts = parts.filter(|part| !part.is_empty() && *part != "*");
    parts.map(standard).collect::<Option<Vec<_>>>()?.join(",").parse().ok()
}

/// One part as the standard has it.
fn standard(part: &str) -> Option<String> {
    if let Some(version) = part.strip_prefix('^') {
        return below_next(version, 1);
    }
    if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        return below_next(version, 2);
    }
    let bare = part.starts_with(|c: char| c.is_ascii_digit());
    Some(if bare { format!("=={part}") } else { part.to_owned() })
}

/// From a version to the next that differs in its first parts.
fn below_next(version: &str, parts: usize) -> Option<String> {
    let version = version.trim();
    let numbers = version.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    // `^0.5` stays below 0.6.
    let zeros = numbers.iter().take_while(|number| **number == 0).count();
    let (last, before) = numbers.get(..parts.max(zeros + 1).min(numbers.len()))?.split_last()?;
    let next: Vec<String> =
        before.iter().copied().chain([last.checked_add(1)?]).map(|n| n.to_string()).collect();
    Some(format!(">={version},<{}", next.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ranges_mean() {
        for (text, expected) in [
            ("", Some("")),
            ("*", Some("")),
            (">=3.9, <4", Some(">=3.9, <4")),
            (">= 3.9", Some(">=3.9")),
            (">=3.9 <4", Some(">=3.9, <4")),
            ("3.11.*", Some("==3.11.*")),
            ("0.5.1", Some("==0.5.1")),
            ("^3.10", Some(">=3.10, <4")),
            ("^0.5.1", Some(">=0.5.1, <0.6")),
            ("~3.10.2", Some(">=3.10.2, <3.11")),
            ("~3", Some(">=3, <4")),
            ("~=3.10", Some("~=3.10")),
            ("^3.x", None),
            ("^18446744073709551615", None),
            ("whatever", None),
            ("a b", None),
        ] {
            assert_eq!(parse(text).map(|range| range.to_string()).as_deref(), expected, "{text}");
        }
    }
}
