//! The extension over its pipe, on real folders: what it answers, as a person would say it.

mod pipe;

use pipe::{Folder, ask};

const UV: &[(&str, &str)] = &[
    (
        "pyproject.toml",
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n\
         [project]\nname = 'demo'\nversion = '1'\n[project.optional-dependencies]\nplot = ['x']\n\
         [dependency-groups]\ndev = ['pytest', 'ruff']\ntypes = ['mypy']\ndocs = ['sphinx']\n",
    ),
    ("uv.lock", ""),
    ("src/demo/__init__.py", ""),
    ("tests/test_a.py", ""),
    ("tests/integration/test_b.py", ""),
];

#[track_caller]
fn check(files: &[(&str, &str)], config: &str, expected: &[(&str, &str)]) {
    let folder = Folder::new(files);
    let commands: Vec<&str> = expected.iter().map(|(command, _)| *command).collect();
    for ((command, expected), answer) in expected.iter().zip(ask(&folder, config, &commands)) {
        assert_eq!(answer, *expected, "{command}");
    }
}

#[test]
fn uv() {
    check(
        UV,
        "{}",
        &[
            (
                "setup:deps",
                "python3 -I -c … --venv ${cache:venv} --wheels ${cache:wheels} --build=hatchling --build=editables; uv sync \
                 --group=types --locked --inexact --no-install-project --no-install-workspace (fetches)",
            ),
            (
                "setup:project",
                "uv sync --group=types --locked --offline --no-build-isolation \
                 PYTHONPATH=${cache:venv}/dwf-build needs setup:deps",
            ),
            ("fmt:check", "ruff format --check needs setup:deps"),
            ("lint:static", "ruff check; mypy src tests needs setup:project"),
            (
                "test:unit",
                "python -m pytest -o cache_dir=${cache:python-tools}/pytest-unit \
                 --junitxml=${cache:python-tools}/reports/unit.xml --ignore=tests/integration \
                 COVERAGE_FILE=${cache:python-tools}/coverage-unit needs setup:project",
            ),
            (
                "test:integration",
                "python -m pytest -o cache_dir=${cache:python-tools}/pytest-integration \
                 --junitxml=${cache:python-tools}/reports/integration.xml tests/integration \
                 COVERAGE_FILE=${cache:python-tools}/coverage-integration needs setup:project",
            ),
            ("test:e2e", "skip: there is no tests/e2e with tests, and no marker e2e"),
            ("lint:security", "skip: no list of dependencies that is installed names bandit, pip-audit"),
        ],
    );
    check(
        UV,
        r#"{"extras":["plot"],"groups":["docs"]}"#,
        &[
            (
                "setup:project",
                "uv sync --extra=plot --group=docs --locked --offline --no-build-isolation \
                 PYTHONPATH=${cache:venv}/dwf-build needs setup:deps",
            ),
            ("lint:static", "ruff check needs setup:project"),
        ],
    );
}

#[test]
fn pip_with_requirements() {
    let files = [
        ("requirements.txt", "x==1"),
        ("requirements-dev.txt", "-r requirements.txt\nBlack==24\nflake8\nisort"),
        ("pyproject.toml", "[project]\nname='x'\ndependencies=['x>=1']"),
        ("src/x/__init__.py", ""),
        ("test/test_x.py", ""),
    ];
    let deps = "python3.12 -I -c … --venv ${cache:venv} --wheels ${cache:wheels} --requirement=requirements.txt \
                --requirement=requirements-dev.txt --want=x>=1";
    check(
        &files,
        r#"{"python":"python3.12"}"#,
        &[
            ("setup:deps", &format!("{deps} (fetches)")),
            ("setup:project", "skip: the project is not a package, so there is nothing to install"),
            ("fmt:check", "isort --check-only --diff src test; black --check . needs setup:deps"),
            ("fmt:fix", "isort src test; black . needs setup:deps (writes)"),
            ("lint:static", "flake8 src test PYTHONPATH=${workspace}/src needs setup:deps"),
            ("test:unit", "python -m unittest discover -s test PYTHONPATH=${workspace}/src needs setup:deps"),
            ("build:debug", "skip: Python runs from its sources: there is nothing to build"),
            ("package:artifact", "skip: the project is not a package: nothing says how to build it"),
            ("release:candidate", "skip: the project says nothing about releases"),
            ("lint:fix", "skip: no list of dependencies that is installed names ruff"),
        ],
    );
}

#[test]
fn files_with_hashes_are_complete() {
    let files = [
        ("requirements.txt", "x==1 \\\n --hash=sha256:00"),
        ("pyproject.toml", "[project]\nname='x'\ndependencies=['x>=1']"),
    ];
    let deps = "python3 -I -c … --venv ${cache:venv} --wheels ${cache:wheels} --requirement=requirements.txt (fetches)";
    check(&files, "{}", &[("setup:deps", deps)]);
}

#[test]
fn folders_of_the_project_are_installed_after_what_they_need() {
    let files = [
        ("requirements.txt", "-e .\n-e ./libs/a[more]\ny"),
        ("setup.cfg", "[metadata]\nname = x\n[options]\ninstall_requires =\n  z"),
        (
            "libs/a/pyproject.toml",
            "[build-system]\nrequires=['flit_core']\n[project]\nname='a'\ndependencies=['b']\n[project.optional-dependencies]\nmore=['c']",
        ),
    ];
    check(
        &files,
        "{}",
        &[
            (
                "setup:deps",
                "python3 -I -c … --venv ${cache:venv} --wheels ${cache:wheels} --build=setuptools --build=wheel \
                 --build=flit_core --requirement=requirements.txt --want=z --want=b --want=c (fetches)",
            ),
            (
                "setup:project",
                "python -m pip install --no-index --no-cache-dir --no-build-isolation --use-pep517 --report \
                 ${cache:venv}/dwf-project.json -e . -e ./libs/a PYTHONPATH=${cache:venv}/dwf-build needs setup:deps",
            ),
            (
                "test:unit",
                "skip: there are no tests: no list of dependencies names pytest, and no test*.py is found",
            ),
        ],
    );
}

#[test]
fn tests_belong_to_one_command() {
    let pytest =
        "-o cache_dir=${cache:python-tools}/pytest-unit --junitxml=${cache:python-tools}/reports/unit.xml";
    let rest = "COVERAGE_FILE=${cache:python-tools}/coverage-unit needs setup:deps";
    let marker = "[tool.pytest.ini_options]\nmarkers = ['integration: slow ones', 'e2e']";
    for (toml, files, expected) in [
        (
            marker,
            &["tests/test_a.py"][..],
            &*format!("python -m pytest {pytest} -m not integration and not e2e {rest}"),
        ),
        (marker, &["tests/e2e/test_a.py", "tests/integration/test_a.py"], "skip: there are no unit tests"),
        ("", &["tests/integration/test_a.py", "tests/helper.py"], "skip: there are no unit tests"),
        ("", &["check/a_test.py"], &format!("python -m pytest {pytest} {rest}")),
        (
            "[tool.pytest.ini_options]\ntestpaths = 'tests'",
            &["check/a_test.py"],
            "skip: there are no unit tests",
        ),
        (
            "[tool.pytest.ini_options]\npython_files = 'check_*.py'",
            &["a/check_x.py"],
            &format!("python -m pytest {pytest} {rest}"),
        ),
        (
            "[tool.pytest.ini_options]\naddopts = '-m \"not slow\"'\nmarkers = ['e2e']",
            &["test_a.py"],
            &format!("python -m pytest {pytest} {rest}"),
        ),
    ] {
        let mut all = vec![("requirements.txt", "pytest"), ("pyproject.toml", toml)];
        all.extend(files.iter().map(|file| (*file, "")));
        check(&all, "{}", &[("test:unit", expected)]);
    }
}

#[test]
fn arguments_go_to_one_tool() {
    let folder = Folder::new(&[("requirements.txt", "ruff\nmypy"), ("x.py", "")]);
    let answers = pipe::ask_with(&folder, "{}", &["fmt:check", "lint:static"], &["--diff", "$x"]);
    assert_eq!(answers[0], "ruff format --check --diff $$x needs setup:deps");
    assert_eq!(answers[1], "10001 arguments after -- can go to one tool only; here run ruff, mypy");
}

#[test]
fn every_command_that_is_offered_is_answered() {
    for files in [
        UV,
        &[("requirements.txt", "")],
        &[("pyproject.toml", "[tool.poetry]\nname='x'"), ("poetry.lock", "")],
    ] {
        let folder = Folder::new(files);
        let commands = pipe::commands(&folder);
        assert!(commands.len() > 10);
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        for (command, answer) in commands.iter().zip(ask(&folder, "{}", &commands)) {
            assert!(!answer.starts_with(|c: char| c.is_ascii_digit()), "{command}: {answer}");
        }
    }
}
