//! What actions see of the environment that dwf was started in: an allow-list, on both profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use devflow_oci::environment::{is_name, may_come_from_host};
use globset::Glob;

use crate::config;
use crate::plan::Plan;

/// What programs on this machine need to know of their user and place.
const HOST: [&str; 20] = [
    "COLORTERM",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NIX_SSL_CERT_FILE",
    "NO_COLOR",
    "PATH",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

type Variables = BTreeMap<String, String>;

/// The host's variables that `pass_env` lets through. A glob never lets through what sounds like a
/// secret, nor what would change the engine's client: such a name is to be spelled out, or refused.
pub(in crate::command) fn passed(config: &config::Container, env: &Variables) -> Variables {
    let mut passed = BTreeMap::new();
    for wanted in &config.pass_env {
        let wanted = wanted.get_ref();
        if let Some(value) = env.get(wanted) {
            passed.insert(wanted.clone(), value.clone());
            continue;
        }
        let Ok(glob) = Glob::new(wanted) else { continue };
        let glob = glob.compile_matcher();
        let may = |name: &str| glob.is_match(name) && is_name(name) && may_come_from_host(name);
        let found = env.iter().filter(|(name, _)| may(name) && !sounds_secret(name));
        passed.extend(found.map(|(name, value)| (name.clone(), value.clone())));
    }
    passed
}

/// Whether a variable's name says that its value is for few.
pub(super) fn sounds_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    ["TOKEN", "SECRET", "KEY", "PASSWORD"].iter().any(|word| name.contains(word))
}

/// What actions on the host see: what any program needs, where the user's own tools are, and what
/// `pass_env` lets through.
pub(in crate::command) fn on_host(plan: &Plan, passed: &Variables, env: &Variables) -> Variables {
    let places: BTreeSet<&str> =
        plan.stacks.iter().flat_map(|stack| &stack.place_env).map(|name| name.as_str()).collect();
    let is_place = |name: &str, value: &str| places.contains(name) && Path::new(value).is_absolute();
    let seen = |(name, value): &(&String, &String)| {
        HOST.contains(&name.as_str()) || name.starts_with("LC_") || is_place(name, value)
    };
    let own = env.iter().filter(seen).map(|(name, value)| (name.clone(), value.clone()));
    own.chain(passed.clone()).collect()
}

/// The variables that the stacks of a plan would like to see, that are set here, and that nobody
/// passes: what to tell the user, with the line for devflow.toml.
pub(super) fn not_passed(plan: &Plan, config: &config::Container, env: &Variables) -> Option<String> {
    let passed = passed(config, env);
    let given = |name: &str| {
        plan.secrets.iter().any(|secret| secret.target == crate::plan::Target::Env(name.to_owned()))
    };
    let wanted = plan.stacks.iter().flat_map(|stack| stack.wants_env.iter().map(|name| name.as_str()));
    let left: BTreeSet<&str> = wanted
        .filter(|name| env.get(*name).is_some_and(|value| !value.is_empty()) && may_come_from_host(name))
        .filter(|name| !passed.contains_key(*name) && !given(name))
        .collect();
    if left.is_empty() {
        return None;
    }
    let names = left.iter().copied().collect::<Vec<_>>().join(", ");
    let all = config.pass_env.iter().map(|name| name.get_ref().as_str()).chain(left.iter().copied());
    let line = all.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let (is, it) = if left.len() == 1 { ("is", "it") } else { ("are", "them") };
    Some(format!(
        "{names} {is} set here, but actions do not see {it}; to let {it} through, in [container] of devflow.toml: pass_env = [{line}]"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};
    use toml::Spanned;

    use super::*;
    use crate::plan::Stack;

    fn config(names: &[&str]) -> config::Container {
        let pass_env = names.iter().map(|name| Spanned::new(0..0, (*name).to_owned())).collect();
        config::Container { pass_env, ..config::Container::default() }
    }

    fn env(names: &[&str]) -> Variables {
        names.iter().map(|name| ((*name).to_owned(), format!("/of/{name}"))).collect()
    }

    fn plan(wants: &[&str], places: &[&str]) -> Plan {
        let stack = Stack {
            member: Default::default(),
            stack: "a".parse().unwrap(),
            env: BTreeMap::new(),
            wants_env: from_value(json!(wants)).unwrap(),
            ca_env: Vec::new(),
            place_env: from_value(json!(places)).unwrap(),
            caches: Vec::new(),
            tools: Vec::new(),
        };
        Plan {
            project: "p".to_owned(),
            fingerprint: String::new(),
            extensions: Vec::new(),
            stacks: vec![stack],
            services: Vec::new(),
            actions: Vec::new(),
            secrets: Vec::new(),
            skips: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn names(variables: &Variables) -> String {
        variables.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_pass_env_lets_through() {
        let env = env(&[
            "CI",
            "GITHUB_SHA",
            "GITHUB_TOKEN",
            "github_key",
            "PATH",
            "LD_PRELOAD",
            "DOCKER_HOST",
            "HTTPS_PROXY",
            "BASH_FUNC_x%%",
            "A B",
            "",
        ]);
        for (wanted, expected) in [
            (&["CI"][..], "CI"),
            (&["ABSENT"], ""),
            (&["GITHUB_*"], "GITHUB_SHA"),
            (&["GITHUB_*", "GITHUB_TOKEN"], "GITHUB_SHA GITHUB_TOKEN"),
            (&["GITHUB_TOKE[N]", "*SECRET*", "github_*"], ""),
            (&["*"], "CI GITHUB_SHA"),
        ] {
            assert_eq!(names(&passed(&config(wanted), &env)), expected, "{wanted:?}");
        }
    }

    #[test]
    fn the_host_shows_no_more_than_it_has_to() {
        let mut env =
            env(&["PATH", "HOME", "LC_ALL", "AWS_SECRET", "A_HOME", "B_HOME", "CI", "SSH_AUTH_SOCK"]);
        env.insert("TOKEN_HOME".to_owned(), "s3cret".to_owned());
        let plan = plan(&[], &["A_HOME", "TOKEN_HOME"]);
        let passed = passed(&config(&["CI"]), &env);
        assert_eq!(names(&on_host(&plan, &passed, &env)), "A_HOME CI HOME LC_ALL PATH");
    }

    #[test]
    fn what_nobody_passed_is_said_with_the_line() {
        let env = env(&["A_FLAGS", "B_FLAGS", "C"]);
        let say = |wants: &[&str], passed: &[&str]| not_passed(&plan(wants, &[]), &config(passed), &env);
        assert_eq!(say(&["ABSENT"], &[]), None);
        assert_eq!(say(&["A_FLAGS"], &["A_*"]), None);
        let said = say(&["B_FLAGS", "A_FLAGS"], &["CI"]).unwrap();
        assert!(said.starts_with("A_FLAGS, B_FLAGS are set here"), "{said}");
        assert!(said.ends_with("pass_env = [\"CI\", \"A_FLAGS\", \"B_FLAGS\"]"), "{said}");
        let said = say(&["C", "HTTP_PROXY"], &[]).unwrap();
        assert!(said.starts_with("C is set here"), "{said}");
    }
}
