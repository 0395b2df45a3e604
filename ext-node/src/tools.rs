//! What well-known tools are called for where package.json has no script.
//!
//! Invariant: pure; only a tool that the project itself depends on, and that it has set up where the
//! tool demands that, is ever called.

use crate::facts::Facts;

/// A tool and its arguments.
pub(crate) type Call = (&'static str, &'static [&'static str]);

/// The calls for a command, or why there are none.
pub(crate) fn calls(command: &str, facts: &Facts) -> Result<Vec<Call>, String> {
    let (prettier, biome) = (facts.depends("prettier"), facts.depends("@biomejs/biome"));
    let none = |what: &str| Err(format!("package.json has no {what}"));
    match command {
        "fmt:check" if prettier => Ok(vec![("prettier", &["--check", "."])]),
        "fmt:check" if biome => Ok(vec![("biome", &["format", "."])]),
        "fmt:fix" if prettier => Ok(vec![("prettier", &["--write", "."])]),
        "fmt:fix" if biome => Ok(vec![("biome", &["format", "--write", "."])]),
        "fmt:check" | "fmt:fix" => none("script for it, and neither prettier nor biome"),
        "lint:static" => linters(facts, ("eslint", &["."]), ("biome", &["lint", "."])),
        "lint:fix" => linters(facts, ("eslint", &["--fix", "."]), ("biome", &["lint", "--write", "."])),
        "lint:types" => types(facts),
        "test:unit" => tests(facts),
        _ => none("script for it"),
    }
}

fn linters(facts: &Facts, eslint: Call, biome: Call) -> Result<Vec<Call>, String> {
    let set_up =
        |names: &[&str]| facts.names.iter().any(|name| names.iter().any(|start| name.starts_with(start)));
    let has_eslint = facts.depends("eslint");
    let eslint_set_up = set_up(&["eslint.config.", ".eslintrc"])
        || facts.packages_json().any(|package| package.keys.contains("eslintConfig"));
    let mut calls = Vec::new();
    if has_eslint && eslint_set_up {
        calls.push(eslint);
    }
    if facts.depends("@biomejs/biome") && (!has_eslint || set_up(&["biome.json"])) {
        calls.push(biome);
    }
    match (calls.is_empty(), has_eslint) {
        (false, _) => Ok(calls),
        (true, true) => Err("eslint is a dependency, but has no configuration".to_owned()),
        (true, false) => Err("package.json has no script for it, and neither eslint nor biome".to_owned()),
    }
}

fn types(facts: &Facts) -> Result<Vec<Call>, String> {
    let Some(tsconfig) = &facts.tsconfig else { return Err("no tsconfig.json".to_owned()) };
    // With references alone `tsc --noEmit` looks at no file and is content.
    if tsconfig.contains("\"references\"") {
        return Err("tsconfig.json has references; add a script typecheck".to_owned());
    }
    if facts.depends("vue-tsc") {
        Ok(vec![("vue-tsc", &["--noEmit"])])
    } else if facts.depends("typescript") {
        Ok(vec![("tsc", &["--noEmit"])])
    } else {
        Err("typescript is no dependency".to_owned())
    }
}

fn tests(facts: &Facts) -> Result<Vec<Call>, String> {
    let own = |name: &str| facts.package.as_ref().is_some_and(|package| package.depends(name));
    let known: [(&str, Call); 4] = [
        ("vitest", ("vitest", &["run"])),
        ("jest", ("jest", &["--ci"])),
        ("mocha", ("mocha", &[])),
        ("ava", ("ava", &[])),
    ];
    if let Some((_, call)) = known.into_iter().find(|(name, _)| own(name)) {
        Ok(vec![call])
    } else if facts.tests {
        Ok(vec![("node", &["--test"])])
    } else {
        Err("no script test, no test runner among the dependencies, and no test files of node".to_owned())
    }
}

/// Whether `node --test`, of whatever version, takes this file for a test.
pub(crate) fn is_node_test(dir: &str, name: &str) -> bool {
    let Some(stem) = [".js", ".mjs", ".cjs"].iter().find_map(|end| name.strip_suffix(end)) else {
        return false;
    };
    stem == "test"
        || stem.starts_with("test-")
        || [".test", "-test", "_test"].iter().any(|end| stem.ends_with(end))
        || dir.split('/').next_back() == Some("test")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::facts;

    fn check(command: &str, package: &str, names: &[&str], expected: &str) {
        let mut facts = facts(package);
        facts.names = names.iter().map(|name| (*name).to_owned()).collect();
        facts.tsconfig = names.contains(&"tsconfig.json").then(|| "{}".to_owned());
        facts.tests = names.contains(&"a.test.js");
        let calls = match calls(command, &facts) {
            Ok(calls) => {
                let lines: Vec<String> =
                    calls.iter().map(|(tool, args)| format!("{tool} {}", args.join(" "))).collect();
                lines.join("; ")
            }
            Err(reason) => format!("! {reason}"),
        };
        assert!(calls.starts_with(expected), "{command} {package}: {calls}");
    }

    #[test]
    fn formatters_and_linters() {
        let both = r#"{"devDependencies":{"prettier":"3","@biomejs/biome":"2","eslint":"9"}}"#;
        check("fmt:check", both, &[], "prettier --check .");
        check("fmt:fix", r#"{"devDependencies":{"@biomejs/biome":"2"}}"#, &[], "biome format --write .");
        check("fmt:check", "{}", &[], "! package.json has no script");
        check("lint:static", both, &["eslint.config.mjs", "biome.json"], "eslint .; biome lint .");
        check("lint:static", both, &[], "! eslint is a dependency, but has no configuration");
        check("lint:static", r#"{"eslintConfig":{},"devDependencies":{"eslint":"8"}}"#, &[], "eslint .");
        check("lint:fix", r#"{"devDependencies":{"@biomejs/biome":"2"}}"#, &[], "biome lint --write .");
    }

    #[test]
    fn types_and_tests() {
        let ts = r#"{"devDependencies":{"typescript":"5"}}"#;
        check("lint:types", ts, &["tsconfig.json"], "tsc --noEmit");
        check("lint:types", ts, &[], "! no tsconfig.json");
        check("test:unit", r#"{"devDependencies":{"vitest":"3"}}"#, &["a.test.js"], "vitest run");
        check("test:unit", "{}", &["a.test.js"], "node --test");
        check("test:unit", "{}", &[], "! no script test");
        check("test:e2e", "{}", &[], "! package.json has no script");
    }

    #[test]
    fn test_files_of_node() {
        for (dir, name, expected) in [
            (".", "a.test.js", true),
            (".", "test.mjs", true),
            ("src", "a_test.cjs", true),
            ("test", "any.js", true),
            ("src", "any.js", false),
            (".", "a.test.ts", false),
            (".", "latest.js", false),
        ] {
            assert_eq!(is_node_test(dir, name), expected, "{dir}/{name}");
        }
    }
}
