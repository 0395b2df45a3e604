//! Where Cargo keeps what outlives a run.

use devflow_protocol::message::{Cache, CacheReadonly, CacheScope, Keep, ManagedBy};
use devflow_protocol::name::{CacheName, EnvName};

use crate::config::Config;
use crate::facts::Facts;

/// The caches. The first two are the same for every project, because they are shared by name; a
/// project whose fetches start its own programs has downloads of its own.
pub(crate) fn caches(facts: &Facts, config: &Config) -> Vec<Cache> {
    let (scope, readonly) = match facts.programs {
        None => (CacheScope::Shared, Some(CacheReadonly::Ok)),
        Some(_) => (CacheScope::Environment, None),
    };
    let cargo = cache(downloads(facts), "CARGO_HOME").map(|cache| Cache {
        home: Some("~/.cargo".to_owned()),
        keep: keep(&["registry/", "git/", ".package-cache"]),
        scope,
        readonly,
        ..cache
    });
    let target = cache("target", "CARGO_TARGET_DIR").map(|cache| Cache {
        scope: CacheScope::Environment,
        readonly: Some(CacheReadonly::Overlay),
        ..cache
    });
    let sccache = uses_sccache(facts, config)
        .then(|| cache("sccache", "SCCACHE_DIR"))
        .flatten()
        // Whatever may run a test may write here, so no other environment may link what it finds.
        .map(|cache| Cache { scope: CacheScope::Environment, managed: Some(ManagedBy::Tool), ..cache });
    [cargo, target, sccache].into_iter().flatten().collect()
}

/// The name of the cache with the downloads.
pub(crate) fn downloads(facts: &Facts) -> &'static str {
    if facts.programs.is_none() { "cargo" } else { "cargo-own" }
}

/// Whether compilations go through sccache.
pub(crate) fn uses_sccache(facts: &Facts, config: &Config) -> bool {
    config.sccache.unwrap_or_else(|| configured(facts))
}

/// Whether Cargo's own configuration says so.
pub(crate) fn configured(facts: &Facts) -> bool {
    let program = facts.wrapper.as_deref().map(|wrapper| wrapper.rsplit('/').next().unwrap_or(wrapper));
    program == Some("sccache")
}

fn cache(name: &str, variable: &str) -> Option<Cache> {
    Some(Cache {
        name: name.parse::<CacheName>().ok()?,
        env: Some(variable.parse::<EnvName>().ok()?),
        home: None,
        keep: Vec::new(),
        target: None,
        at: None,
        scope: CacheScope::Shared,
        readonly: None,
        managed: None,
    })
}

fn keep(entries: &[&str]) -> Vec<Keep> {
    entries.iter().filter_map(|entry| Keep::try_from((*entry).to_owned()).ok()).collect()
}
