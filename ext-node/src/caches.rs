//! The caches of a member, and the variables that go with them.
//!
//! Invariant: pure; what others share is never written by an installation that runs the project's
//! own code, and a file of node_modules is never a link into a download.

use std::collections::BTreeMap;

use devflow_protocol::message::{Cache, CacheReadonly, CacheScope};
use devflow_protocol::name::EnvName;
use devflow_protocol::sdk::paths;
use devflow_protocol::template::Template;

use crate::facts::Facts;
use crate::manager::Manager;

/// The caches.
pub(crate) fn caches(facts: &Facts) -> Vec<Cache> {
    let (name, env, readonly) = match facts.manager {
        // npm cannot even read metadata from a folder that it cannot write.
        Manager::Npm => ("npm", "npm_config_cache", CacheReadonly::Overlay),
        Manager::Pnpm { .. } => ("pnpm", "npm_config_store_dir", CacheReadonly::Ok),
        Manager::YarnClassic => ("yarn", "YARN_CACHE_FOLDER", CacheReadonly::Ok),
        Manager::YarnBerry { .. } => ("yarn-berry", "YARN_GLOBAL_FOLDER", CacheReadonly::Overlay),
        Manager::Bun => ("bun", "BUN_INSTALL_CACHE_DIR", CacheReadonly::Ok),
    };
    let (name, scope, readonly) = match facts.own_code {
        None => (name.to_owned(), CacheScope::Shared, Some(readonly)),
        Some(_) => (format!("{name}-own"), CacheScope::Environment, None),
    };
    let mut caches: Vec<Cache> = name
        .parse()
        .ok()
        .map(|name| Cache { env: env.parse().ok(), scope, readonly, ..empty(name) })
        .into_iter()
        .collect();
    if matches!(facts.manager, Manager::YarnBerry { pnp: true }) {
        return caches;
    }
    let folders =
        [".".to_owned()].into_iter().chain(facts.packages.iter().map(|package| package.dir.clone()));
    for (number, folder) in folders.enumerate() {
        let name = if number == 0 { "node_modules".to_owned() } else { folder_name(&folder, number) };
        caches.extend(name.parse().ok().map(|name| Cache {
            at: paths::at(&folder, "node_modules").parse().ok(),
            scope: CacheScope::Environment,
            // Tools keep caches of their own in it.
            readonly: Some(CacheReadonly::Overlay),
            ..empty(name)
        }));
    }
    caches
}

/// A name for the node_modules of a package; the number keeps apart what looks alike.
fn folder_name(folder: &str, number: usize) -> String {
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' { c } else { '-' };
    let text: String = folder.to_lowercase().chars().map(plain).take(40).collect();
    format!("node_modules-{number}-{text}")
}

fn empty(name: devflow_protocol::name::CacheName) -> Cache {
    Cache {
        name,
        env: None,
        home: None,
        keep: Vec::new(),
        target: None,
        at: None,
        scope: CacheScope::Shared,
        readonly: None,
        managed: None,
    }
}

/// The variables of all actions.
pub(crate) fn env(facts: &Facts) -> BTreeMap<EnvName, Template> {
    let cache = format!("${{cache:pnpm{}}}", if facts.own_code.is_some() { "-own" } else { "" });
    let mut pairs: Vec<(&str, &str)> = vec![
        ("npm_config_audit", "false"),
        ("npm_config_fund", "false"),
        ("npm_config_update_notifier", "false"),
        // Corepack neither asks a question that nobody answers nor edits package.json.
        ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
        ("COREPACK_ENABLE_AUTO_PIN", "0"),
        // A script prepare that is run on the way installs no git hooks.
        ("HUSKY", "0"),
        ("SKIP_INSTALL_SIMPLE_GIT_HOOKS", "1"),
    ];
    if let Manager::Pnpm { .. } = facts.manager {
        pairs.extend([
            // Up to version 10 the names start with npm_, later with pnpm_.
            ("pnpm_config_store_dir", cache.as_str()),
            ("npm_config_package_import_method", "clone-or-copy"),
            ("pnpm_config_package_import_method", "clone-or-copy"),
            // What install scripts made is no download.
            ("npm_config_side_effects_cache", "false"),
            ("pnpm_config_side_effects_cache", "false"),
            // It neither fetches itself in another version nor installs before it runs a script.
            ("npm_config_manage_package_manager_versions", "false"),
            ("pnpm_config_pm_on_fail", "warn"),
            ("npm_config_verify_deps_before_run", "false"),
            ("pnpm_config_verify_deps_before_run", "false"),
            ("npm_config_confirm_modules_purge", "false"),
            ("pnpm_config_confirm_modules_purge", "false"),
        ]);
    }
    pairs.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::locked;

    fn lines(facts: &Facts) -> Vec<String> {
        let line = |cache: &Cache| {
            let at = cache.at.as_ref().map_or("", |path| path.as_str());
            let env = cache.env.as_ref().map_or("", EnvName::as_str);
            format!("{} {env}{at} {:?}", cache.name, cache.scope)
        };
        caches(facts).iter().map(line).collect()
    }

    #[test]
    fn downloads_are_shared_unless_the_project_takes_part() {
        let mut facts = locked("{}", Manager::Npm, "package-lock.json");
        assert_eq!(lines(&facts), ["npm npm_config_cache Shared", "node_modules node_modules Environment"]);
        facts.own_code = Some("because".to_owned());
        assert_eq!(lines(&facts)[0], "npm-own npm_config_cache Environment");
        facts.manager = Manager::Pnpm { major: None };
        assert_eq!(env(&facts)[&"pnpm_config_store_dir".parse().unwrap()].as_str(), "${cache:pnpm-own}");
        facts.manager = Manager::YarnBerry { pnp: true };
        assert_eq!(lines(&facts), ["yarn-berry-own YARN_GLOBAL_FOLDER Environment"]);
    }

    #[test]
    fn names_for_any_folder() {
        for folder in ["packages/a", "Apps/Ä b", &"x/".repeat(200)] {
            let name = folder_name(folder, 511);
            assert!(name.parse::<devflow_protocol::name::CacheName>().is_ok(), "{name}");
        }
    }
}
