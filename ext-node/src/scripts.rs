//! Which script of package.json a command means.
//!
//! Invariant: pure; a script whose words say that it changes files is never a check, one that
//! watches is never a test, and the other way round.

use std::collections::BTreeMap;

/// What is wanted of a script beyond its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Nothing.
    Any,
    /// It says that it only checks.
    Checks,
    /// It does not say that it changes files.
    Reads,
    /// It says that it changes files.
    Fixes,
    /// It does not say that it only checks.
    Writes,
    /// It runs to its end, and is not what `npm init` writes.
    Tests,
}

/// The names that a command looks for, best first.
fn wanted(command: &str) -> &'static [(&'static str, Wish)] {
    use Wish::*;
    match command {
        "fmt:check" => &[
            ("fmt:check", Reads),
            ("format:check", Reads),
            ("check:format", Reads),
            ("check:fmt", Reads),
            ("prettier:check", Reads),
            ("format-check", Reads),
            ("fmt-check", Reads),
            ("lint:format", Reads),
            ("format", Checks),
            ("fmt", Checks),
            ("prettier", Checks),
        ],
        "fmt:fix" => &[
            ("fmt:fix", Any),
            ("format:fix", Any),
            ("format:write", Any),
            ("fmt:write", Any),
            ("prettier:fix", Any),
            ("prettier:write", Any),
            ("format", Writes),
            ("fmt", Writes),
            ("prettier", Fixes),
        ],
        "lint:static" => &[
            ("lint:static", Reads),
            ("lint:check", Reads),
            ("lint:ci", Reads),
            ("lint", Reads),
            ("eslint", Reads),
        ],
        "lint:fix" => {
            &[("lint:fix", Any), ("fix:lint", Any), ("eslint:fix", Any), ("lint", Fixes), ("eslint", Fixes)]
        }
        TYPES => &[
            ("typecheck", Any),
            ("type-check", Any),
            ("check-types", Any),
            ("check:types", Any),
            ("types:check", Any),
            ("lint:types", Any),
            ("tsc", Any),
        ],
        "lint:security" => &[("lint:security", Any), ("security", Any), ("audit", Any)],
        "build:debug" => {
            &[("build:debug", Any), ("build:dev", Any), ("build:development", Any), ("build", Any)]
        }
        "build:release" => {
            &[("build:release", Any), ("build:prod", Any), ("build:production", Any), ("build", Any)]
        }
        "test:unit" => &[("test:unit", Tests), ("unit", Tests), ("test", Tests)],
        "test:integration" => {
            &[("test:integration", Tests), ("integration", Tests), ("test-integration", Tests)]
        }
        "test:smoke" => &[("test:smoke", Tests), ("smoke", Tests)],
        "test:e2e" => &[("test:e2e", Tests), ("e2e", Tests), ("test:end-to-end", Tests)],
        "package:artifact" => &[("package:artifact", Any), ("package", Any)],
        _ => &[],
    }
}

/// The command that stands for checking types, a part of `lint:static`.
pub(crate) const TYPES: &str = "lint:types";

/// The script that a command means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// This one.
    Script(String),
    /// None, and these could have been, but for this reason.
    Unfit(String),
    /// None.
    Nothing,
}

/// Finds the script that a command means.
pub(crate) fn find(command: &str, scripts: &BTreeMap<String, String>) -> Found {
    let mut unfit = Found::Nothing;
    for (name, wish) in wanted(command) {
        let Some(text) = scripts.get(*name) else { continue };
        match refusal(*wish, text) {
            None => return Found::Script((*name).to_owned()),
            Some(reason) if unfit == Found::Nothing && !reason.is_empty() => {
                unfit = Found::Unfit(format!("script {name} {reason}"));
            }
            Some(_) => {}
        }
    }
    unfit
}

/// Why a script does not fit, in words when the user should know.
fn refusal(wish: Wish, text: &str) -> Option<&'static str> {
    let is = |words: &[&str]| text.split([' ', '\t', '\'', '"']).any(|word| words.contains(&word));
    let changes = is(&["--fix", "--write", "--apply"])
        || text.split_whitespace().any(|word| word.ends_with(":fix") || word.ends_with(":write"));
    let checks = is(&["--check", "-c", "--list-different", "-l"])
        || text.split_whitespace().any(|word| word.ends_with(":check"));
    let watches = is(&["--watch", "--watchAll", "--watch=true", "watch"]);
    match wish {
        Wish::Any => None,
        Wish::Checks => (!checks || changes).then_some(""),
        Wish::Reads => changes.then_some("changes files"),
        Wish::Fixes => (!changes).then_some(""),
        Wish::Writes => (checks && !changes).then_some("only checks"),
        Wish::Tests if text.contains("Error: no test specified") => Some("is what npm init writes"),
        Wish::Tests => watches.then_some("watches and never ends"),
    }
}

/// Arguments without which a test runner would wait for changes although nobody is at a terminal.
pub(crate) fn unwatched(text: &str) -> &'static [&'static str] {
    if text.contains("react-scripts test") || text.contains("craco test") {
        &["--watchAll=false"]
    } else if text.starts_with("ng test") {
        &["--watch=false"]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, scripts: &[(&str, &str)], expected: &str) {
        let scripts = scripts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let found = match find(command, &scripts) {
            Found::Script(name) => name,
            Found::Unfit(reason) => format!("! {reason}"),
            Found::Nothing => "-".to_owned(),
        };
        assert_eq!(found, expected, "{command} {scripts:?}");
    }

    #[test]
    fn formatting() {
        check(
            "fmt:check",
            &[("format:check", "prettier --check ."), ("format", "prettier -w .")],
            "format:check",
        );
        check("fmt:check", &[("format", "prettier --check .")], "format");
        check("fmt:check", &[("format", "prettier --write .")], "-");
        check("fmt:fix", &[("format", "prettier --write .")], "format");
        check("fmt:fix", &[("format", "prettier --check .")], "! script format only checks");
        check("fmt:fix", &[("format", "npm run format:check")], "! script format only checks");
    }

    #[test]
    fn linting() {
        check("lint:static", &[("lint", "eslint .")], "lint");
        check("lint:static", &[("lint", "eslint . --fix")], "! script lint changes files");
        check("lint:static", &[("lint", "eslint . --fix"), ("lint:check", "eslint .")], "lint:check");
        check("lint:static", &[("lint", "npm run lint:fix")], "! script lint changes files");
        check("lint:fix", &[("lint", "eslint . --fix")], "lint");
        check("lint:fix", &[("lint", "eslint .")], "-");
        check(TYPES, &[("type-check", "tsc --noEmit")], "type-check");
    }

    #[test]
    fn building_and_testing() {
        check("build:debug", &[("build", "tsc"), ("build:prod", "x")], "build");
        check("build:release", &[("build", "tsc"), ("build:prod", "x")], "build:prod");
        let default = "echo \"Error: no test specified\" && exit 1";
        check("test:unit", &[("test", default)], "! script test is what npm init writes");
        check("test:unit", &[("test", "jest --watch"), ("test:unit", "jest")], "test:unit");
        check("test:unit", &[("test", "jest --watch")], "! script test watches and never ends");
        check("test:e2e", &[("e2e", "playwright test")], "e2e");
        check("other:thing", &[("test", "x")], "-");
        assert_eq!(unwatched("react-scripts test"), ["--watchAll=false"]);
        assert!(unwatched("vitest").is_empty());
    }
}
