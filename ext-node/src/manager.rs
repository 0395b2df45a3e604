//! Which package manager a project uses, and in which flavour.
//!
//! Invariant: pure; the settings win, then `packageManager`, then the lock; a project whose files
//! contradict each other is told so instead of being guessed at.

use devflow_protocol::sdk::Failure;
use serde::Deserialize;

/// A package manager by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Npm,
    Pnpm,
    Yarn,
    Bun,
}

/// A package manager as it has to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    Npm,
    /// With its major version, where `packageManager` tells.
    Pnpm {
        major: Option<u32>,
    },
    YarnClassic,
    /// With Plug'n'Play there is no node_modules.
    YarnBerry {
        pnp: bool,
    },
    Bun,
}

/// What decides; all of it stands where the lock is.
#[derive(Debug, Default)]
pub(crate) struct Hints<'a> {
    pub(crate) config: Option<Kind>,
    pub(crate) package_manager: Option<&'a str>,
    /// Lock files that are there.
    pub(crate) locks: &'a [&'static str],
    pub(crate) yarn_lock: Option<&'a str>,
    pub(crate) yarnrc: Option<&'a str>,
    pub(crate) pnpm_workspace: bool,
}

/// Lock files, and whose they are; of one manager's the first that is there counts.
pub(crate) const LOCKS: &[(&str, Kind)] = &[
    ("npm-shrinkwrap.json", Kind::Npm),
    ("package-lock.json", Kind::Npm),
    ("pnpm-lock.yaml", Kind::Pnpm),
    ("yarn.lock", Kind::Yarn),
    ("bun.lock", Kind::Bun),
    ("bun.lockb", Kind::Bun),
];

impl Manager {
    /// The program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm { .. } => "pnpm",
            Self::YarnClassic | Self::YarnBerry { .. } => "yarn",
            Self::Bun => "bun",
        }
    }

    /// Its name among the managers.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Npm => Kind::Npm,
            Self::Pnpm { .. } => Kind::Pnpm,
            Self::YarnClassic | Self::YarnBerry { .. } => Kind::Yarn,
            Self::Bun => Kind::Bun,
        }
    }
}

/// The manager.
pub(crate) fn choose(hints: &Hints<'_>) -> Result<Manager, Failure> {
    let (name, version) = match hints.package_manager {
        Some(text) => text.split_once('@').unwrap_or((text, "")),
        None => ("", ""),
    };
    let named = match name {
        "npm" => Some(Kind::Npm),
        "pnpm" => Some(Kind::Pnpm),
        "yarn" => Some(Kind::Yarn),
        "bun" => Some(Kind::Bun),
        "" => None,
        other => {
            let text = format!("packageManager names {other:?}; npm, pnpm, yarn and bun are known here");
            return Err(Failure::invalid_project("package.json", None, text));
        }
    };
    let major = version.split('.').next().and_then(|major| major.parse().ok()).filter(|_| named.is_some());
    let owner = |file: &str| LOCKS.iter().find(|(name, _)| *name == file).map(|(_, kind)| *kind);
    let kind = match (hints.config.or(named), hints.locks) {
        (Some(kind), locks) if locks.is_empty() || locks.iter().any(|file| owner(file) == Some(kind)) => kind,
        (Some(kind), locks) => {
            let (who, file) = if hints.config.is_some() {
                ("the config of the node extension", "devflow.toml")
            } else {
                ("packageManager", "package.json")
            };
            let text = format!("{who} says {}, but the lock is {}", name_of(kind), locks.join(" and "));
            return Err(Failure::invalid_project(file, None, text));
        }
        (None, [first, others @ ..]) => {
            if let Some(other) = others.iter().find(|other| owner(other) != owner(first)) {
                let text = format!(
                    "{first} and {other} contradict each other: remove one, or say which manager is \
                     right with packageManager in package.json"
                );
                return Err(Failure::invalid_project(other, None, text));
            }
            owner(first).unwrap_or(Kind::Npm)
        }
        (None, []) if hints.pnpm_workspace => Kind::Pnpm,
        (None, []) if hints.yarnrc.is_some() => Kind::Yarn,
        (None, []) => Kind::Npm,
    };
    Ok(match kind {
        Kind::Npm => Manager::Npm,
        Kind::Pnpm => Manager::Pnpm { major: major.filter(|_| named == Some(Kind::Pnpm)) },
        Kind::Bun => Manager::Bun,
        Kind::Yarn if is_classic(major.filter(|_| named == Some(Kind::Yarn)), hints) => Manager::YarnClassic,
        Kind::Yarn => Manager::YarnBerry {
            pnp: hints
                .yarnrc
                .is_none_or(|text| setting(text, "nodeLinker").is_none_or(|linker| linker == "pnp")),
        },
    })
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Npm => "npm",
        Kind::Pnpm => "pnpm",
        Kind::Yarn => "yarn",
        Kind::Bun => "bun",
    }
}

fn is_classic(major: Option<u32>, hints: &Hints<'_>) -> bool {
    match (major, hints.yarn_lock) {
        (Some(major), _) => major < 2,
        (None, Some(lock)) if lock.contains("yarn lockfile v1") => true,
        (None, Some(lock)) if lock.contains("__metadata:") => false,
        _ => hints.yarnrc.is_none(),
    }
}

/// The value of a top-level `name: value` of a YAML file.
pub(crate) fn setting<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'))?;
    Some(line.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hints: Hints<'_>, expected: Manager) {
        assert_eq!(choose(&hints), Ok(expected), "{hints:?}");
    }

    #[test]
    fn one_manager_or_another() {
        let d = Hints::default;
        check(d(), Manager::Npm);
        check(Hints { locks: &["package-lock.json"], ..d() }, Manager::Npm);
        check(Hints { locks: &["npm-shrinkwrap.json", "package-lock.json"], ..d() }, Manager::Npm);
        check(Hints { locks: &["pnpm-lock.yaml"], ..d() }, Manager::Pnpm { major: None });
        check(Hints { pnpm_workspace: true, ..d() }, Manager::Pnpm { major: None });
        check(Hints { locks: &["bun.lockb"], ..d() }, Manager::Bun);
        check(Hints { package_manager: Some("pnpm@10.2.1"), ..d() }, Manager::Pnpm { major: Some(10) });
        check(Hints { config: Some(Kind::Bun), package_manager: Some("npm@11.0.0"), ..d() }, Manager::Bun);
        let two = &["package-lock.json", "yarn.lock"];
        check(Hints { package_manager: Some("npm@10.0.0"), locks: two, ..d() }, Manager::Npm);
    }

    #[test]
    fn yarn_before_and_after_its_second_version() {
        let yarn = |lock| Hints { locks: &["yarn.lock"], yarn_lock: Some(lock), ..Hints::default() };
        check(yarn("# yarn lockfile v1\n"), Manager::YarnClassic);
        check(yarn("__metadata:\n  version: 8\n"), Manager::YarnBerry { pnp: true });
        check(
            Hints { yarnrc: Some("nodeLinker: node-modules\n"), ..yarn("__metadata:") },
            Manager::YarnBerry { pnp: false },
        );
        check(Hints { package_manager: Some("yarn@1.22.22"), ..yarn("") }, Manager::YarnClassic);
        check(Hints { package_manager: Some("yarn@4.5.0"), ..yarn("") }, Manager::YarnBerry { pnp: true });
    }

    #[test]
    fn contradictions_name_both_sides() {
        let message = |hints: Hints<'_>| choose(&hints).unwrap_err().message;
        let two = Hints { locks: &["package-lock.json", "yarn.lock"], ..Hints::default() };
        let text = message(two);
        assert!(text.contains("package-lock.json") && text.contains("yarn.lock"), "{text}");
        let other = Hints { package_manager: Some("pnpm@9.0.0"), locks: &["yarn.lock"], ..Hints::default() };
        assert_eq!(message(other), "packageManager says pnpm, but the lock is yarn.lock");
        assert!(message(Hints { package_manager: Some("deno@2"), ..Hints::default() }).contains("deno"));
    }
}
