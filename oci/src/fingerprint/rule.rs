//! One line of a file of ignore rules, as git reads it, written as the globs of this program read it.
//!
//! Invariant: what git takes literally is escaped, and a line that can match nothing in git is no rule.

/// The line for the matcher; `None` for a comment, and for what git never matches.
pub(super) fn rule(line: &str) -> Option<String> {
    let body = line.strip_prefix('!').unwrap_or(line);
    if line.starts_with('#') || matches!(body.trim_end(), "" | "/") {
        return None;
    }
    let mut rule = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let (done, length) = match c {
            // Nothing follows: git calls that invalid.
            '\\' => (String::new(), c.len_utf8() + rest[1..].chars().next()?.len_utf8()),
            '{' | '}' => (format!("\\{c}"), 1),
            '[' => class(rest)?,
            _ => (String::new(), c.len_utf8()),
        };
        rule.push_str(if done.is_empty() { &rest[..length] } else { &done });
        rest = &rest[length..];
    }
    Some(rule)
}

/// A class at the start of a text, rewritten, and its length; `None` if it never ends.
fn class(text: &str) -> Option<(String, usize)> {
    let mut class = String::from("[");
    let mut at = 1;
    if text[at..].starts_with(['!', '^']) {
        class.push('!');
        at += 1;
    }
    let start = at;
    loop {
        let rest = &text[at..];
        let c = rest.chars().next()?;
        if c == ']' && at > start {
            class.push(']');
            return Some((class, at + 1));
        }
        if let Some((name, members)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
            class.push_str(members);
            at += name.len();
        } else {
            // A `\` takes what follows as it is; in these globs it needs no `\` in a class.
            let member = if c == '\\' { rest[1..].chars().next()? } else { c };
            at += member.len_utf8() + usize::from(c == '\\');
            class.push(member);
        }
    }
}

/// What POSIX calls by name.
const NAMED: [(&str, &str); 8] = [
    ("[:alnum:]", "0-9A-Za-z"),
    ("[:alpha:]", "A-Za-z"),
    ("[:blank:]", " \t"),
    ("[:digit:]", "0-9"),
    ("[:lower:]", "a-z"),
    ("[:space:]", " \t\n\r\u{b}\u{c}"),
    ("[:upper:]", "A-Z"),
    ("[:xdigit:]", "0-9A-Fa-f"),
];

#[cfg(test)]
mod tests {
    use super::rule;

    #[test]
    fn rules() {
        for (line, expected) in [
            ("*.log", Some("*.log")),
            ("!/a/", Some("!/a/")),
            ("\\#x", Some("\\#x")),
            ("*.{a,b}", Some("*.\\{a,b\\}")),
            ("\\{a", Some("\\{a")),
            ("[{a]", Some("[{a]")),
            ("[^a]ü", Some("[!a]ü")),
            ("[]a]", Some("[]a]")),
            ("x[[:digit:]_]", Some("x[0-9_]")),
            ("# note", None),
            ("", None),
            ("  ", None),
            ("!", None),
            ("/", None),
            ("!/", None),
            ("[", None),
            ("a[b", None),
            ("a\\", None),
        ] {
            assert_eq!(rule(line).as_deref(), expected, "{line}");
        }
    }
}
