//! Small functions on texts and names.

use std::str::FromStr;

use devflow_protocol::message::Step;
use devflow_protocol::sdk::Failure;
use devflow_protocol::template::Template;

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
    fn texts_of_the_project_are_no_placeholders() {
        assert_eq!(step("a", [escape("${home}")]), Step::literal("a", ["${home}"]));
    }
}
