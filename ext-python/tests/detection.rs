//! The extension over its pipe: what it takes for a Python project, and what for a mistake.

mod pipe;

use pipe::{Folder, ask, describe};

#[test]
fn what_is_a_python_project() {
    for (files, expected) in [
        (
            &[("pyproject.toml", "[project]\nname='x'")][..],
            "pyproject.toml has [project]; pip installs: no lock file",
        ),
        (&[("requirements.txt", "")], "requirements.txt; pip installs: requirements or setup files"),
        (&[("setup.py", "")], "setup.py; pip installs: requirements or setup files"),
        (&[("setup.cfg", "[options]")], "setup.cfg; pip installs: requirements or setup files"),
        (&[("setup.cfg", "[flake8]")], "no: no pyproject.toml, requirements.txt, setup.py or setup.cfg"),
        (&[("a.py", "")], "no: no pyproject.toml, requirements.txt, setup.py or setup.cfg"),
        (
            &[("pyproject.toml", "[tool.ruff]"), ("ci/scripts/x.py", "")],
            "no: pyproject.toml only configures ruff: no [project], no requirements, no modules at the top, no tests",
        ),
        (
            &[("pyproject.toml", "[tool.ruff]"), ("tests/test_x.py", "")],
            "pyproject.toml configures ruff, and there are modules or tests; pip installs: no lock file",
        ),
        (
            &[("Pipfile", "")],
            "no: a Pipfile alone is not understood: pipenv requirements > requirements.txt helps",
        ),
        (
            &[("pyproject.toml", "[project]\n[tool.uv.build-backend]")],
            "pyproject.toml has [project]; pip installs: no lock file",
        ),
        (
            &[("pyproject.toml", "[tool.poetry]\nname='x'")],
            "pyproject.toml has [tool.poetry]; poetry installs: [tool.poetry]",
        ),
        (
            &[("pyproject.toml", "[project]"), ("pdm.lock", "")],
            "pyproject.toml has [project]; pdm installs: pdm.lock",
        ),
        (
            &[("pyproject.toml", "[project]\n[tool.hatch.envs.default]")],
            "pyproject.toml has [project]; hatch installs: Hatch's environments",
        ),
    ] {
        assert_eq!(describe(&Folder::new(files), "{}"), expected);
    }
}

#[test]
fn mistakes_of_a_project() {
    let locks = [("pyproject.toml", "[project]"), ("uv.lock", ""), ("poetry.lock", "")];
    let folder = Folder::new(&locks);
    let expected = "2002 uv.lock and poetry.lock contradict each other: remove one, or say `manager` in the config \
                    {\"file\":\"poetry.lock\"}";
    assert_eq!(describe(&folder, "{}"), expected);
    assert_eq!(describe(&folder, r#"{"manager":"uv"}"#), "pyproject.toml has [project]; uv installs: config");
    let broken = Folder::new(&[("pyproject.toml", "[project]\nname = \n")]);
    assert!(describe(&broken, "{}").starts_with("2002 pyproject.toml:2: "));
    let leaving = Folder::new(&[("requirements.txt", "-r ../../x.txt")]);
    assert!(describe(&leaving, "{}").contains("../../x.txt leaves the project"));
    let unlocked = Folder::new(&[("pyproject.toml", "[tool.poetry]\nname='x'")]);
    let expected = "2002 poetry.lock is missing, though [tool.poetry] says poetry: run poetry lock and commit it \
                    {\"file\":\"poetry.lock\"}";
    assert_eq!(ask(&unlocked, "{}", &["setup:deps"]), [expected]);
}
