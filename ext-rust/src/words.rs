//! Patterns of names.

/// Whether a name fits a pattern of `*`, `?` and `[…]`; a class fits any one character.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern_chars.as_str();
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
        }
        Some(wanted) => {
            let mut name_chars = name.chars();
            let Some(first) = name_chars.next() else { return false };
            let rest = match wanted {
                '[' => pattern_chars.as_str().split_once(']').map(|(_, rest)| rest),
                '?' => Some(pattern_chars.as_str()),
                wanted => (wanted == first).then_some(pattern_chars.as_str()),
            };
            rest.is_some_and(|rest| fits(rest, name_chars.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("?", "ä", true),
            ("?", "", false),
            ("x[0-9]", "x1", true),
            ("lib", "lib", true),
            ("lib", "libs", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
