//! What building makes, as far as the project's files tell.
//!
//! Invariant: pure; a folder is named only where something hints at it, `dist` where nothing does.

use std::collections::BTreeSet;

use crate::facts::Facts;

/// The folders that building makes, as far as package.json and tsconfig.json tell.
pub(crate) fn products(facts: &Facts) -> BTreeSet<String> {
    let usual =
        ["dist", "build", "out", "es", "esm", "cjs", ".next", ".output", ".svelte-kit", "storybook-static"];
    let mut found: BTreeSet<String> = facts
        .package
        .iter()
        .flat_map(|package| &package.published)
        .filter(|folder| usual.contains(&folder.as_str()))
        .cloned()
        .collect();
    if let Some(folder) = facts.tsconfig.as_deref().and_then(out_dir) {
        found.insert(folder);
    }
    for (package, folder) in
        [("next", ".next"), ("nuxt", ".output"), ("@sveltejs/kit", ".svelte-kit"), ("vite", "dist")]
    {
        if facts.package.as_ref().is_some_and(|manifest| manifest.depends(package)) {
            found.insert(folder.to_owned());
        }
    }
    if found.is_empty() {
        found.insert("dist".to_owned());
    }
    found
}

/// `outDir` of a tsconfig.json, which may hold comments.
fn out_dir(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("\"outDir\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()?;
    let folder = value.trim_start_matches("./").trim_end_matches('/');
    (!folder.is_empty() && folder != ".").then(|| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::facts;

    fn check(package: &str, tsconfig: &str, expected: &[&str]) {
        let facts = Facts { tsconfig: Some(tsconfig.to_owned()), ..facts(package) };
        assert_eq!(products(&facts).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{package}");
    }

    #[test]
    fn hints() {
        check("{}", "{}", &["dist"]);
        check(r#"{"main":"./build/x.js","files":["src","esm"]}"#, "{}", &["build", "esm"]);
        check("{}", "{ // x\n \"outDir\" : \"./lib/\" }", &["lib"]);
        check(r#"{"dependencies":{"next":"15"}}"#, "{}", &[".next"]);
    }
}
