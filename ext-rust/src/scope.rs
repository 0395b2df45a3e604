//! Which packages a Cargo command line is about.
//!
//! Invariant: what Cargo would do by itself is done. Naming a target (`--lib`, `--test '*'`) runs
//! it even where its package says `test = false`, and fails where its features are off (tried), so
//! packages with such targets get a command line of their own.

use crate::facts::Facts;
use crate::package::Package;

/// What a command wants of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// It has no such target; it does not disturb the others.
    Nothing,
    /// All of its targets of the kind.
    All,
    /// Only what these arguments select; without any it is left out.
    Only(Vec<String>),
}

/// The arguments that select packages and targets, a list for each command line. `all` selects the
/// targets of the packages that want [`Wish::All`].
pub(crate) fn select(
    facts: &Facts,
    wish: impl Fn(&Package) -> Wish,
    all: impl Fn(&[&Package]) -> Vec<String>,
) -> Vec<Vec<String>> {
    let wishes: Vec<(&Package, Wish)> =
        facts.packages.iter().map(|package| (package, wish(package))).collect();
    let plain: Vec<&Package> =
        wishes.iter().filter(|(_, wish)| *wish == Wish::All).map(|(package, _)| *package).collect();
    let mut lines = Vec::new();
    if !plain.is_empty() {
        let mut line = whole(facts);
        for (package, wish) in &wishes {
            if matches!(wish, Wish::Only(_)) {
                line.extend(["--exclude".to_owned(), package.name.clone()]);
            }
        }
        line.extend(all(&plain));
        lines.push(line);
    }
    for (package, wish) in wishes {
        if let Wish::Only(targets) = wish
            && !targets.is_empty()
        {
            let mut line = Vec::new();
            if facts.is_root() {
                line.extend(["-p".to_owned(), package.name.clone()]);
            }
            line.extend(targets);
            lines.push(line);
        }
    }
    lines
}

/// The arguments that select every package a command is about.
pub(crate) fn whole(facts: &Facts) -> Vec<String> {
    if facts.is_root() { vec!["--workspace".to_owned()] } else { Vec::new() }
}
