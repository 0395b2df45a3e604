//! The text of a glob: what in it stands for itself, and the alternatives in its braces.
//!
//! Invariant: a `\x` and a set in brackets are one token each, so nothing in them is taken for anything else.

/// What stands for more than itself.
const SPECIAL: [char; 7] = ['*', '?', '[', ']', '{', '}', '\\'];

/// More alternatives than this are no pattern anyone wrote by hand.
const ALTERNATIVES: usize = 1024;

/// The glob of one path, whatever is in its name.
pub(super) fn escaped(path: &str) -> String {
    path.chars().fold(String::with_capacity(path.len()), |mut text, c| {
        if SPECIAL.contains(&c) {
            text.push('\\');
        }
        text.push(c);
        text
    })
}

/// The path of a glob in which nothing stands for more than itself.
pub(super) fn unescaped(glob: &str) -> Option<String> {
    let plain = |token: &str| match token.strip_prefix('\\') {
        Some(escaped) => escaped.chars().next(),
        None => token.chars().next().filter(|c| !SPECIAL.contains(c)),
    };
    tokens(glob).into_iter().map(plain).collect()
}

/// Whether a token is a set.
pub(super) fn is_set(token: &str) -> bool {
    token.len() > 1 && token.starts_with('[')
}

/// A glob as `\x`, `[sets]` and single characters.
pub(super) fn tokens(glob: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), glob);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '[' => set(rest).unwrap_or(1),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// The length of the set at the start of a text, if it has an end.
fn set(text: &str) -> Option<usize> {
    let negated = usize::from(text[1..].starts_with(['!', '^']));
    // `]` is a member where it comes first.
    let first = 1 + negated + usize::from(text[1 + negated..].starts_with(']'));
    Some(first + text[first..].find(']')? + 1)
}

/// `a{b,c/d}` is `ab` and `ac/d`; `None` if braces do not match, or there are too many of them.
pub(super) fn alternatives(glob: &str) -> Option<Vec<String>> {
    let (mut done, mut todo) = (Vec::new(), vec![tokens(glob)]);
    while let Some(tokens) = todo.pop() {
        let Some(cuts) = first_braces(&tokens)? else {
            done.push(tokens.concat());
            continue;
        };
        let (open, close) = (cuts[0], cuts[cuts.len() - 1]);
        for pair in cuts.windows(2) {
            todo.push([&tokens[..open], &tokens[pair[0] + 1..pair[1]], &tokens[close + 1..]].concat());
        }
        if done.len() + todo.len() > ALTERNATIVES {
            return None;
        }
    }
    Some(done)
}

/// Where the first braces open, where their commas are, and where they close; `None` outside if they do not.
fn first_braces(tokens: &[&str]) -> Option<Option<Vec<usize>>> {
    let (mut cuts, mut depth) = (Vec::new(), 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" => {
                depth += 1;
                if depth == 1 {
                    cuts.push(at);
                }
            }
            "," if depth == 1 => cuts.push(at),
            "}" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    cuts.push(at);
                    return Some(Some(cuts));
                }
            }
            _ => {}
        }
    }
    (depth == 0).then_some(None)
}

#[cfg(test)]
mod tests {
    use super::{alternatives, escaped, tokens, unescaped};

    #[test]
    fn pieces() {
        for (glob, expected) in [
            ("aü", "a ü"),
            (r"\*x\", r"\* x \"),
            (r"[\]]", r"[\] ]"),
            ("[!]a][]][^]]", "[!]a] []] [^]]"),
            ("[a[]", "[a[]"),
            ("[]a", "[ ] a"),
            ("[ü]b", "[ü] b"),
        ] {
            assert_eq!(tokens(glob).join(" "), expected);
        }
    }

    #[test]
    fn braces() {
        for (glob, mut expected) in [
            ("a", vec!["a"]),
            ("{a,b}.rs", vec!["a.rs", "b.rs"]),
            ("x/{a/b,c}/{d,e}", vec!["x/a/b/d", "x/a/b/e", "x/c/d", "x/c/e"]),
            ("{a,{b,c}}", vec!["a", "b", "c"]),
            ("{a}", vec!["a"]),
            ("a{,b}", vec!["a", "ab"]),
            (r"\{a,b\}", vec![r"\{a,b\}"]),
            ("[{,}]", vec!["[{,}]"]),
            ("[!]{]{a,b}", vec!["[!]{]a", "[!]{]b"]),
            (r"[\]{a,b/c}", vec![r"[\]a", r"[\]b/c"]),
        ] {
            let mut got = alternatives(glob).unwrap();
            got.sort();
            expected.sort_unstable();
            assert_eq!(got, expected, "{glob}");
        }
        for glob in ["{a", "a}", "{a,{b}", &"{a,b}".repeat(20)] {
            assert_eq!(alternatives(glob), None, "{glob}");
        }
    }

    #[test]
    fn names_that_look_like_globs() {
        for path in ["a", "a/[id]/b", r"\", "{,}*?"] {
            assert_eq!(unescaped(&escaped(path)).as_deref(), Some(path));
        }
        for glob in ["*", "a[b]", "{a}", r"a\", "a]"] {
            assert_eq!(unescaped(glob), None, "{glob}");
        }
    }
}
