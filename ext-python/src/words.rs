//! Small functions on texts and names.

use std::str::FromStr;

use devflow_protocol::message::Step;
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

/// Whether a name fits a pattern of `*` and `?`.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| fits(rest, &name[at..]))
        }
        Some(wanted) => {
            let mut chars = name.chars();
            let first = chars.next();
            first.is_some_and(|first| wanted == '?' || wanted == first) && fits(rest.as_str(), chars.as_str())
        }
    }
}

/// A name of the protocol that is written in this program.
pub(crate) fn name<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::internal(format!("{text:?} is not a name of the protocol")))
}

/// A text with placeholders that is written in this program.
pub(crate) fn template(text: &str) -> Template {
    text.parse().unwrap_or_else(|_| Template::literal(text))
}

/// A step whose words may hold placeholders; names from the project go through [`escape`] first.
pub(crate) fn step<A: AsRef<str>>(program: &str, args: impl IntoIterator<Item = A>) -> Step {
    Step { program: template(program), args: args.into_iter().map(|arg| template(arg.as_ref())).collect() }
}

/// A text that stands for itself among placeholders.
pub(crate) fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

/// Copies of some words.
pub(crate) fn owned<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("test_*.py", "test_a.py", true),
            ("test_*.py", "testa.py", false),
            ("*_test.py", "a_test.py", true),
            ("check?.py", "check1.py", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn texts_of_the_project_are_no_placeholders() {
        assert_eq!(step("a", [escape("${home}")]), Step::literal("a", ["${home}"]));
    }
}
