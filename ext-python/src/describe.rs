//! `project/describe`: what the extension makes of a folder.
//!
//! Invariant: nothing that is described lies in the workspace; the environment is a cache.

use std::collections::BTreeMap;

use devflow_protocol::message::{Cache, CacheReadonly, CacheScope, DescribeResult, Tool};
use devflow_protocol::name::EnvName;
use devflow_protocol::sdk::{Failure, paths};
use devflow_protocol::template::Template;

use crate::config::{Config, Manager};
use crate::facts::Facts;
use crate::project::Project;
use crate::words::{name, template};
use crate::{image, interpreter, manager, resolve};

/// Host variables that say where packages come from.
const WANTS: [&str; 6] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_NATIVE_TLS",
];
/// Variables that name a file of certificates.
const CERTIFICATES: [&str; 4] = ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"];
/// Host variables that say where interpreters and tools are.
const PLACES: [&str; 4] = ["PYENV_ROOT", "PIPX_HOME", "UV_PYTHON_INSTALL_DIR", "UV_TOOL_DIR"];

/// What the extension makes of a folder.
pub(crate) fn describe(facts: &Facts, config: &Config) -> Result<DescribeResult, Failure> {
    let reads = facts.reads.clone();
    let mut because = match manager::applies(facts) {
        Ok(because) => because,
        Err(because) => return Ok(DescribeResult { because, reads, ..DescribeResult::default() }),
    };
    let project = Project::of(facts, config)?;
    because.push(format!("{} installs: {}", project.manager.name(), project.why));
    let python = interpreter::wanted(facts, config);
    because.extend(python.lacks());
    Ok(DescribeResult {
        applies: true,
        because,
        commands: resolve::commands()?,
        caches: caches(&project)?,
        env: variables(&project)?,
        wants_env: WANTS.into_iter().map(name).collect::<Result<_, _>>()?,
        ca_env: CERTIFICATES.into_iter().map(name).collect::<Result<_, _>>()?,
        place_env: PLACES.into_iter().map(name).collect::<Result<_, _>>()?,
        fingerprint: fingerprint(&project),
        tools: tools(&project),
        image: Some(image::image(&project, &python)),
        reads,
    })
}

fn cache(
    named: &str,
    scope: CacheScope,
    readonly: CacheReadonly,
    env: Option<&str>,
) -> Result<Cache, Failure> {
    Ok(Cache {
        name: name(named)?,
        env: env.map(name).transpose()?,
        home: None,
        keep: Vec::new(),
        target: None,
        at: None,
        scope,
        readonly: Some(readonly),
        managed: None,
    })
}

fn caches(project: &Project) -> Result<Vec<Cache>, Failure> {
    use CacheReadonly::{Ok as Plain, Overlay};
    use CacheScope::{Environment, Shared};
    let mut all = vec![
        cache("venv", Environment, Plain, None)?,
        cache("wheels", Shared, Plain, None)?,
        cache("python-tools", Environment, Overlay, None)?,
    ];
    match project.manager {
        Manager::Pip | Manager::Hatch => {}
        Manager::Uv => all.push(cache("uv", Shared, Overlay, Some("UV_CACHE_DIR"))?),
        Manager::Poetry => all.push(cache("poetry", Shared, Overlay, Some("POETRY_CACHE_DIR"))?),
        Manager::Pdm => all.push(cache("pdm", Shared, Overlay, Some("PDM_CACHE_DIR"))?),
    }
    Ok(all)
}

fn variables(project: &Project) -> Result<BTreeMap<EnvName, Template>, Failure> {
    let mut all = vec![
        ("VIRTUAL_ENV", "${cache:venv}"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PIP_NO_INPUT", "1"),
        ("PIP_ROOT_USER_ACTION", "ignore"),
        ("RUFF_CACHE_DIR", "${cache:python-tools}/ruff"),
        ("MYPY_CACHE_DIR", "${cache:python-tools}/mypy"),
        ("BLACK_CACHE_DIR", "${cache:python-tools}/black"),
        ("PYLINTHOME", "${cache:python-tools}/pylint"),
    ];
    if project.declares("pyright") {
        all.push(("PYRIGHT_PYTHON_CACHE_DIR", "${cache:venv}/dwf-pyright"));
    }
    all.extend_from_slice(match project.manager {
        Manager::Pip | Manager::Hatch => &[],
        Manager::Uv => &[
            ("UV_PROJECT_ENVIRONMENT", "${cache:venv}"),
            ("UV_PYTHON", "${cache:venv}/bin/python"),
            ("UV_PYTHON_DOWNLOADS", "never"),
            ("UV_LINK_MODE", "copy"),
            ("UV_NO_PROGRESS", "1"),
        ],
        Manager::Poetry => &[
            ("POETRY_VIRTUALENVS_CREATE", "false"),
            ("POETRY_VIRTUALENVS_IN_PROJECT", "false"),
            ("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring"),
        ],
        Manager::Pdm => &[("PDM_CHECK_UPDATE", "0"), ("PDM_IGNORE_SAVED_PYTHON", "1")],
    });
    all.into_iter().map(|(key, value)| Ok((name(key)?, template(value)))).collect()
}

/// The files that decide which packages there are.
fn fingerprint(project: &Project) -> Vec<String> {
    let facts = project.facts;
    let mut all: Vec<String> = Vec::new();
    if let Some(lock) = project.manager.lock().filter(|lock| facts.marks.contains(lock)) {
        all.push(lock.to_owned());
    } else {
        all.extend(facts.requirements.parts.iter().cloned());
        all.extend(facts.package.pyproject.as_ref().map(|_| "pyproject.toml".to_owned()));
    }
    let version = facts.python_version.as_ref().and_then(|(path, _)| paths::below(path, &facts.dir));
    all.extend(version.map(str::to_owned));
    all.retain(|path| !path.contains(['*', '?', '[', '{', '\\']));
    all
}

fn tools(project: &Project) -> Vec<Tool> {
    let python = Tool {
        program: project.config.python().to_owned(),
        args: vec!["--version".to_owned()],
        wants: interpreter::requires(project.facts)
            .and_then(|(_, range)| interpreter::least(range))
            .map(|least| format!(">={least}")),
    };
    let program = match project.manager {
        Manager::Pip | Manager::Hatch => None,
        manager => Some(manager.name()),
    };
    let tool =
        |program: &str| Tool { program: program.to_owned(), args: vec!["--version".to_owned()], wants: None };
    std::iter::once(python).chain(program.map(tool)).collect()
}
