//! Lock files, as far as installing depends on them.
//!
//! Invariant: pure; a lock that cannot be read as what it claims to be is the user's error.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::manager::Manager;

/// What a lock says about installing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    /// The file's name.
    pub(crate) file: String,
    /// Whether some package has no address: npm then asks for its metadata each time.
    pub(crate) asks: bool,
    /// Whether some package has an install script; a lock that does not tell counts as yes.
    pub(crate) scripts: bool,
    /// Whether some package is compiled, or may be, while it is installed.
    pub(crate) compiles: bool,
    /// The version of the lock's format, where the manager's version follows from it.
    pub(crate) version: Option<u32>,
    /// Whether a package comes from a git repository: installing builds it, scripts or not.
    pub(crate) git: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NpmLock {
    #[serde(default)]
    packages: Option<BTreeMap<String, NpmPackage>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NpmPackage {
    #[serde(default)]
    resolved: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    in_bundle: bool,
    #[serde(default)]
    has_install_script: bool,
}

/// Reads the lock `file` of a manager.
pub(crate) fn parse(manager: Manager, file: &str, text: &str) -> serde_json::Result<Lock> {
    let lock = match manager {
        Manager::Npm => npm(text)?,
        Manager::Pnpm { major } => Lock {
            // Since version 9 the lock does not tell; pnpm 10 and later run only what is allowed.
            scripts: text.contains("requiresBuild: true")
                || (text.contains("lockfileVersion: '9") && major.is_none_or(|major| major < 10)),
            git: text.contains("type: git") || text.contains("git+") || text.contains("codeload.github.com"),
            ..Lock::default()
        },
        Manager::YarnClassic | Manager::YarnBerry { .. } | Manager::Bun => Lock {
            scripts: true,
            git: ["git+", "git@", "git:", "github:", "codeload.github.com", "#commit="]
                .iter()
                .any(|mark| text.contains(mark)),
            ..Lock::default()
        },
    };
    let compiles = lock.scripts && COMPILES.iter().any(|name| text.contains(name));
    Ok(Lock { file: file.to_owned(), compiles, version: version(manager, text), ..lock })
}

/// Packages on which those depend that are compiled.
const COMPILES: [&str; 4] = ["node-addon-api", "node-gyp", "prebuild-install", "node_modules/nan\""];

fn version(manager: Manager, text: &str) -> Option<u32> {
    let value = match manager {
        Manager::Pnpm { .. } => text.lines().find_map(|line| line.strip_prefix("lockfileVersion:")),
        Manager::YarnBerry { .. } => {
            let mut lines = text.lines().skip_while(|line| !line.starts_with("__metadata:")).skip(1);
            lines.next().and_then(|line| line.trim_start().strip_prefix("version:"))
        }
        _ => None,
    }?;
    value.trim().trim_matches(['\'', '"']).split('.').next()?.parse().ok()
}

fn npm(text: &str) -> serde_json::Result<Lock> {
    let lock: NpmLock = serde_json::from_str(text)?;
    let git = |resolved: &String| resolved.starts_with("git");
    Ok(match lock.packages {
        // npm 6: neither is told.
        None => Lock { asks: true, scripts: true, git: text.contains("\"git"), ..Lock::default() },
        Some(packages) => {
            let installed = |(place, package): &(&String, &NpmPackage)| {
                place.contains("node_modules/") && !package.link && !package.in_bundle
            };
            Lock {
                asks: packages.iter().filter(installed).any(|(_, package)| package.resolved.is_none()),
                scripts: packages.iter().filter(installed).any(|(_, package)| package.has_install_script),
                git: packages.values().any(|package| package.resolved.as_ref().is_some_and(git)),
                ..Lock::default()
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, asks: bool, scripts: bool, git: bool) {
        let lock = parse(Manager::Npm, "package-lock.json", text).unwrap();
        assert_eq!((lock.asks, lock.scripts, lock.git), (asks, scripts, git), "{text}");
    }

    #[test]
    fn locks_of_npm() {
        check(r#"{"lockfileVersion":1,"dependencies":{}}"#, true, true, false);
        check(r#"{"packages":{"":{"name":"a","hasInstallScript":true}}}"#, false, false, false);
        check(r#"{"packages":{"node_modules/a":{"version":"1.0.0"}}}"#, true, false, false);
        check(
            r#"{"packages":{"node_modules/a":{"resolved":"x","hasInstallScript":true}}}"#,
            false,
            true,
            false,
        );
        check(
            r#"{"packages":{"node_modules/a":{"resolved":"packages/a","link":true}}}"#,
            false,
            false,
            false,
        );
        check(r#"{"packages":{"node_modules/a":{"inBundle":true}}}"#, false, false, false);
        check(r#"{"packages":{"node_modules/a":{"resolved":"git+ssh://x"}}}"#, false, false, true);
    }

    #[test]
    fn locks_of_pnpm() {
        let scripts = |major, text| parse(Manager::Pnpm { major }, "", text).unwrap().scripts;
        assert!(scripts(Some(8), "requiresBuild: true"));
        assert!(!scripts(Some(8), "lockfileVersion: '6.0'"));
        assert!(scripts(Some(9), "lockfileVersion: '9.0'"));
        assert!(scripts(None, "lockfileVersion: '9.0'"));
        assert!(!scripts(Some(10), "lockfileVersion: '9.0'"));
    }

    #[test]
    fn what_tells_the_managers_version() {
        let berry = Manager::YarnBerry { pnp: true };
        let pnpm = Manager::Pnpm { major: None };
        for (manager, text, expected) in [
            (pnpm, "lockfileVersion: '9.0'\n", Some(9)),
            (pnpm, "lockfileVersion: 5.4\n", Some(5)),
            (pnpm, "", None),
            (berry, "# x\n\n__metadata:\n  version: 8\n  cacheKey: 10c0\n", Some(8)),
            (berry, "__metadata:\n  cacheKey: 8\n", None),
            (Manager::YarnClassic, "# yarn lockfile v1\n", None),
        ] {
            assert_eq!(parse(manager, "", text).unwrap().version, expected, "{text}");
        }
    }

    #[test]
    fn what_may_be_compiled() {
        let lock = |scripts| {
            format!(
                r#"{{"packages":{{"node_modules/nan":{{"resolved":"x","hasInstallScript":{scripts}}}}}}}"#
            )
        };
        let compiles = |text: &str| parse(Manager::Npm, "", text).unwrap().compiles;
        assert!(compiles(&lock(true)) && !compiles(&lock(false)));
    }

    #[test]
    fn a_broken_lock_has_its_line() {
        let error = parse(Manager::Npm, "package-lock.json", "{\n<<<<<<< HEAD").unwrap_err();
        assert_eq!(error.line(), 2);
    }
}
