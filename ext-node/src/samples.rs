//! Facts for the tables of tests.

use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::lock::Lock;
use crate::manager::Manager;
use crate::manifest::Manifest;

/// A member at the project's root with this package.json, npm, and no lock.
pub(crate) fn facts(package: &str) -> Facts {
    Facts {
        dir: ".".to_owned(),
        package: Some(Manifest::parse("package.json", package).unwrap()),
        root: ".".to_owned(),
        top: None,
        manager: Manager::Npm,
        lock: None,
        own_code: None,
        packages: Vec::new(),
        names: BTreeSet::new(),
        tsconfig: None,
        node: None,
        tests: false,
        reads: Vec::new(),
    }
}

/// The same with another manager and its lock.
pub(crate) fn locked(package: &str, manager: Manager, file: &str) -> Facts {
    let lock = Lock { file: file.to_owned(), ..Lock::default() };
    Facts { manager, lock: Some(lock), ..facts(package) }
}
