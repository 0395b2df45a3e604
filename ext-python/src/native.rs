//! What of the distribution packages need that are compiled while they are installed.
//!
//! Invariant: a package stands here because its build fails without it.

use std::collections::BTreeSet;

use crate::project::Project;

/// What compiles C, and C++.
const COMPILER: [&str; 4] = ["g++", "gcc", "libc6-dev", "make"];

/// Parts of build backends that compile.
const BACKENDS: [&str; 11] = [
    "cffi",
    "cython",
    "maturin",
    "meson-python",
    "mypy",
    "nanobind",
    "numpy",
    "pybind11",
    "scikit-build",
    "scikit-build-core",
    "setuptools-rust",
];

/// Parts of build backends that ask git for the version.
const VERSIONED: [&str; 7] = [
    "flit-scm",
    "hatch-vcs",
    "poetry-dynamic-versioning",
    "setuptools-git-versioning",
    "setuptools-scm",
    "uv-dynamic-versioning",
    "versioningit",
];

/// Packages without wheels for Linux, and the libraries they are linked with.
const PACKAGES: [(&str, &[&str]); 9] = [
    ("dbus-python", &["libdbus-1-dev", "libglib2.0-dev", "pkg-config"]),
    ("mysqlclient", &["libmariadb-dev", "pkg-config"]),
    ("psycopg2", &["libpq-dev"]),
    ("pycairo", &["libcairo2-dev", "pkg-config"]),
    ("pygobject", &["libgirepository1.0-dev", "libcairo2-dev", "pkg-config"]),
    ("pygraphviz", &["libgraphviz-dev"]),
    ("python-ldap", &["libldap-dev", "libsasl2-dev"]),
    ("uwsgi", &[]),
    ("xmlsec", &["libxmlsec1-dev", "pkg-config"]),
];

/// What is needed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Native {
    /// The distribution's packages.
    pub(crate) packages: BTreeSet<&'static str>,
    /// Whether something is compiled, so that the interpreter's headers are needed, too.
    pub(crate) compiles: bool,
}

/// What a project needs.
pub(crate) fn of(project: &Project) -> Native {
    let mut native = Native::default();
    let builds = crate::declared::names(&project.build_requirements());
    let builds_with = |names: &[&str]| names.iter().any(|name| builds.contains(*name));
    native.compiles = builds_with(&BACKENDS);
    for (_, packages) in PACKAGES.iter().filter(|(name, _)| project.declares(name)) {
        native.compiles = true;
        native.packages.extend(*packages);
    }
    if native.compiles {
        native.packages.extend(COMPILER);
    }
    let by_pdm =
        project.facts.package.pyproject.as_ref().and_then(|file| file.text("tool.pdm.version.source"));
    if project.facts.git || builds_with(&VERSIONED) || by_pdm == Some("scm") {
        native.packages.insert("git");
    }
    native
}
