//! Quoting of one word for a shell.
//!
//! Invariant: the result is one line, and a shell reads it back as exactly the word that went in.

use std::borrow::Cow;

/// The word as a POSIX shell reads it. Control characters make it `$'…'`, which POSIX has since 2024 and bash, zsh, ksh
/// and busybox always had: a line that was pasted must not be two lines, nor drive the terminal.
pub(crate) fn word(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    if !word.chars().any(hidden) {
        return Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")));
    }
    let mut quoted = String::from("$'");
    for c in word.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str(r"\n"),
            '\r' => quoted.push_str(r"\r"),
            '\t' => quoted.push_str(r"\t"),
            c if hidden(c) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    quoted.push_str(&format!(r"\{byte:03o}"));
                }
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    Cow::Owned(quoted)
}

/// The word as any `sh` reads it, dash too; what it shows may be several lines.
pub(crate) fn posix(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// Control characters, and the ones that reorder or hide text on a terminal.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn words() {
        for (plain, quoted) in [
            ("", "''"),
            ("a-b_c./:=@%+,9", "a-b_c./:=@%+,9"),
            ("a b", "'a b'"),
            ("~", "'~'"),
            ("it's", r"'it'\''s'"),
            ("$(x) `y` \"z\" \\ *", "'$(x) `y` \"z\" \\ *'"),
            ("grüße", "'grüße'"),
            ("a\nb'\\", r"$'a\nb\'\\'"),
            ("\u{1b}[31m", r"$'\033[31m'"),
            ("\u{202e}x", r"$'\342\200\256x'"),
        ] {
            assert_eq!(word(plain), quoted);
        }
    }

    /// The shells of this machine are the judges.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test of what a real shell makes of it")]
    fn shells_read_back_what_went_in() {
        let plain = [
            "",
            "a b",
            "it's",
            "''",
            "\\'",
            "$HOME `id` $(id) !! * ~ # & ; |",
            "grüße \u{1f980}",
            "-n",
            "a=b",
        ];
        let control = ["a\nb\n", "\u{1b}[31m'\\", "\t\r\u{7f}\u{85}\u{202e}", "\u{1}7"];
        for (shell, words) in [("sh", plain.as_slice()), ("bash", &plain), ("bash", &control)] {
            let script = words.iter().map(|w| format!("printf '%s\\0' {};", word(w))).collect::<String>();
            let Ok(output) = std::process::Command::new(shell).arg("-c").arg(script).output() else {
                continue;
            };
            let expected = words.iter().map(|w| format!("{w}\0")).collect::<String>();
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{shell}");
        }
    }
}
