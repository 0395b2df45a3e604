//! `dwf image scan`, with a stand-in for Trivy: a script that notes what it is given and plays a recorded report. Trivy
//! itself needs a database from the network; what is proven here is what dwf asks of it and makes of its answers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use devflow_tests::{Engine, Run, Sandbox, Spec};

/// Plays the `report.json` beside it, as `how` beside it says, and notes what it was given in `seen`.
const STAND_IN: &str = r#"#!/bin/sh
here=$(dirname "$0")
for arg; do
  case $arg in
    --input=*) input=${arg#*=} ;;
    --output=*) output=${arg#*=} ;;
    --ignorefile=*) ignored=${arg#*=} ;;
  esac
done
{
  echo "args $*"
  echo "files $(ls -A | tr '\n' ' ')"
  echo "config ${TRIVY_CONFIG:-none}"
  echo "ignored $(cat "$ignored")"
  echo "manifests $(tar -tf "$input" | grep -c '^manifest.json$')"
  echo "user $(id -u)"
} >"${TRIVY_CACHE_DIR:-$here}/seen"
how=$(cat "$here/how" 2>/dev/null)
case $how in
  '') cp "$here/report.json" "$output" ;;
  truncated) head -c 300 "$here/report.json" >"$output" ;;
  garbage) echo 'FATAL: out of wits' >"$output" ;;
  link) ln -s "$here/report.json" "$output" ;;
  nothing) ;;
  killed) cp "$here/report.json" "$output"; kill -9 $$ ;;
  fails) cp "$here/report.json" "$output"; echo 'FATAL database error' >&2; exit 1 ;;
  hangs) touch "$here/ready"; sleep 600 ;;
esac
"#;

/// A report as Trivy 0.69 writes it, with these findings: severity and the version that mends it.
fn report(findings: &[(&str, &str)]) -> String {
    let findings = findings.iter().enumerate().map(|(number, (severity, fixed))| {
        let (fixed, status) = match fixed.is_empty() {
            true => (String::new(), "affected"),
            false => (format!("\"FixedVersion\": \"{fixed}\","), "fixed"),
        };
        format!(
            r#"{{"VulnerabilityID": "CVE-2026-{number}", "PkgID": "libidn2-0@2.0.5-1", "PkgName": "libidn2-0",
  "PkgIdentifier": {{"PURL": "pkg:deb/debian/libidn2-0@2.0.5-1?arch=amd64&distro=debian-12.11"}},
  "InstalledVersion": "2.0.5-1", {fixed} "Status": "{status}", "SeveritySource": "debian",
  "PrimaryURL": "https://avd.aquasec.com/nvd/cve-2026-{number}", "Title": "a flaw", "Severity": "{severity}",
  "CweIDs": ["CWE-787"], "CVSS": {{"nvd": {{"V3Score": 9.8}}}}}}"#
        )
    });
    let findings: Vec<String> = findings.collect();
    format!(
        r#"{{"SchemaVersion": 2, "Trivy": {{"Version": "0.69.3"}}, "CreatedAt": "2026-03-03T12:20:30Z",
 "ArtifactName": "image.tar", "ArtifactType": "container_image",
 "Metadata": {{"Size": 77000000, "OS": {{"Family": "debian", "Name": "12.11"}}, "ImageID": "sha256:c2c0"}},
 "Results": [{{"Target": "image.tar (debian 12.11)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
  {}]}}]}}
"#,
        findings.join(",\n  ")
    )
}

const HIGH: (&str, &str) = ("HIGH", "2.0.5-1+deb12u1");

/// A project whose image is the engine's base image.
fn project(sandbox: &Sandbox, more: &str) -> PathBuf {
    let stacks = "[project]\nname = \"p\"\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n";
    let image = "[container]\nimage = \"docker.io/library/debian:bookworm-slim\"\n";
    sandbox.write("p/devflow.toml", &format!("{stacks}{image}{more}"));
    sandbox.path().join("p")
}

/// The stand-in as it would be installed: on `PATH`, outside of the project.
fn install(sandbox: &Sandbox, findings: &[(&str, &str)], how: &str) -> PathBuf {
    let program = sandbox.program("tools/trivy", STAND_IN);
    sandbox.write("tools/report.json", &report(findings));
    sandbox.write("tools/how", how);
    program.parent().expect("a folder").to_owned()
}

fn scan(sandbox: &Sandbox, project: &Path, words: &[&str]) -> Spec {
    let engine = ["image", "scan", "--engine", sandbox.engine().name()];
    let spec = sandbox.dwf(project, engine.iter().chain(words).copied());
    let path = format!("{}:{}", sandbox.path().join("tools").display(), spec.get_env("PATH"));
    let config = sandbox.path().join("home/.config").to_string_lossy().into_owned();
    spec.env("PATH", &path).env("XDG_CONFIG_HOME", &config)
}

/// What scans left below the cache root, but for the database.
fn left(sandbox: &Sandbox) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.cache()).expect("the cache root").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".scan-")).collect()
}

fn seen(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("seen")).expect("what the stand-in saw")
}

#[test]
fn the_report_decides() {
    let sandbox = Sandbox::new(Engine::Docker);
    let root = project(&sandbox, "");
    let run = |findings: &[(&str, &str)], words: &[&str]| -> Run {
        install(&sandbox, findings, "");
        scan(&sandbox, &root, words).run()
    };

    let bad = run(&[("LOW", ""), HIGH, ("CRITICAL", ""), ("MEDIUM", "3")], &["--report", "out.json"]);
    let expected = "UNKNOWN 0, CRITICAL 1, HIGH 1, MEDIUM 1, LOW 1\n\
                    1 of HIGH or worse without a fix: told, not counted (ignore_unfixed = true in [image.scan])\n\
                    HIGH      CVE-2026-1  libidn2-0  2.0.5-1 → 2.0.5-1+deb12u1\n";
    assert_eq!(bad.expect(1).stdout, expected);
    bad.says("1 finding of HIGH or worse");
    let written = std::fs::read_to_string(root.join("out.json")).expect("a report");
    assert_eq!(written, report(&[("LOW", ""), HIGH, ("CRITICAL", ""), ("MEDIUM", "3")]));

    let unfixed = run(&[("HIGH", ""), ("MEDIUM", "3")], &[]);
    assert!(unfixed.expect(0).stdout.contains("\n1 of HIGH or worse without a fix: told"), "{unfixed}");
    run(&[("HIGH", "")], &["-v"]).expect(0).says("HIGH      CVE-2026-0  libidn2-0  2.0.5-1 → no fix");
    run(&[], &[]).expect(0).says("no finding that fails");
    run(&[("SEVERE", "3")], &[]).expect(1);

    project(&sandbox, "[image.scan]\nignore_unfixed = false\n");
    let strict = run(&[("HIGH", "")], &[]);
    assert!(strict.expect(1).stdout.contains("what has no fix counts, too"), "{strict}");
    assert!(left(&sandbox).is_empty());
}

#[test]
fn what_the_scanner_is_given() {
    let sandbox = Sandbox::new(Engine::Podman);
    let root = project(&sandbox, "");
    let tools = install(&sandbox, &[HIGH], "");
    // Settings that came with the project, or stand in the environment, must not narrow the scan.
    sandbox.write("p/trivy.yaml", "severity: [LOW]\n");
    scan(&sandbox, &root, &[]).env("TRIVY_CONFIG", "/etc/trivy.yaml").run().expect(1);
    let given = seen(&tools);
    for part in ["--ignore-unfixed=false", "files ignored image.tar ", "config none", "manifests 1\n"] {
        assert!(given.contains(part), "{part}\n{given}");
    }
    assert!(!given.contains("CVE-1"), "{given}");

    sandbox.write("p/.trivyignore", "CVE-1\n");
    scan(&sandbox, &root, &[]).run().expect(1).says("what .trivyignore lists is left out");
    assert!(seen(&tools).contains("ignored CVE-1\n"));

    std::fs::remove_file(root.join(".trivyignore")).expect("it is there");
    let outside = sandbox.write("outside", "CVE-1\n");
    std::os::unix::fs::symlink(outside, root.join(".trivyignore")).expect("a link");
    scan(&sandbox, &root, &[])
        .run()
        .expect(2)
        .says("it is a symbolic link")
        .says("a regular file in the project's root");
    scan(&sandbox, &root, &["--report", "/dev/null"]).run().expect(2).says("is not a regular file");
    assert!(left(&sandbox).is_empty());
}

#[test]
fn a_scanner_that_breaks_is_never_a_pass() {
    let sandbox = Sandbox::new(Engine::Docker);
    let root = project(&sandbox, "");
    for (how, words) in [
        ("truncated", "the scanner's report makes no sense: EOF"),
        ("garbage", "the scanner's report makes no sense"),
        ("nothing", "the scanner left no report that can be read"),
        ("link", "it is a symbolic link"),
        ("killed", "was ended by SIGKILL"),
        ("fails", "exited with 1\n  FATAL database error"),
    ] {
        install(&sandbox, &[], how);
        let run = scan(&sandbox, &root, &["--report", "out.json"]).run();
        run.expect(5).says(words).says("hint: ");
        assert!(!root.join("out.json").exists() && run.stdout.is_empty(), "{run}");
    }
    let tools = install(&sandbox, &[], "hangs");
    let started = scan(&sandbox, &root, &[]).start();
    while !tools.join("ready").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(left(&sandbox).len(), 1);
    Spec::new("kill").args(["-INT", &started.child.id().to_string()]).run().expect(0);
    started.wait().expect(130).says("interrupted by SIGINT");
    assert!(left(&sandbox).is_empty());
}

#[test]
fn what_is_missing() {
    let sandbox = Sandbox::new(Engine::Docker);
    let root = project(&sandbox, "");
    sandbox.write("home/.config/devflow/config.toml", "[image]\nscanner = \"127.0.0.1:1/no/scanner:1\"\n");
    let run = scan(&sandbox, &root, &[]).run();
    run.expect(5).says("no `trivy` on PATH, and its image 127.0.0.1:1/no/scanner:1 cannot be had: ");
    run.says("hint: install Trivy, or let the engine have its image: ")
        .says("docker pull -- 127.0.0.1:1/no/scanner:1");

    // A scanner that came with the project could find nothing.
    sandbox.program("p/tools/trivy", STAND_IN);
    let path = format!("{}:/usr/bin:/bin", root.join("tools").display());
    scan(&sandbox, &root, &[]).env("PATH", &path).run().expect(5).says("no `trivy` on PATH");

    install(&sandbox, &[], "");
    sandbox.write(
        "p/devflow.toml",
        "[project]\nname = \"p\"\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n",
    );
    scan(&sandbox, &root, &[])
        .run()
        .expect(5)
        .says("is not there")
        .says("hint: make it be there: dwf image build");
}

/// The stand-in in an image, which each engine runs as it would run Trivy's own.
#[test]
fn the_scanner_in_a_container() {
    for engine in Engine::ALL {
        let sandbox = Sandbox::new(engine);
        let root = project(&sandbox, "");
        let name = format!("localhost/dwf-e2e-scanner-{}:1", std::process::id());
        sandbox.program("image/trivy", STAND_IN);
        sandbox.write("image/report.json", &report(&[HIGH]));
        let lines = "FROM docker.io/library/debian:bookworm-slim\nCOPY trivy report.json /usr/local/bin/\n\
                     ENTRYPOINT [\"false\"]\nENV TRIVY_CONFIG=/etc/trivy.yaml\n";
        sandbox.write("image/Dockerfile", lines);
        let folder = sandbox.path().join("image");
        engine.client().args(["build", "--tag", &name, "."]).cwd(&folder).run().expect(0);
        sandbox.write("home/.config/devflow/config.toml", &format!("[image]\nscanner = \"{name}\"\n"));

        let run = scan(&sandbox, &root, &[]).run();
        engine.client().args(["image", "rm", "--force", &name]).run().expect(0);
        assert!(run.expect(1).stdout.contains("HIGH      CVE-2026-0  libidn2-0"), "{engine:?}\n{run}");
        let given = seen(&sandbox.cache().join(".scan"));
        for part in ["files ignored image.tar ", "config none", "manifests 1\n"] {
            assert!(given.contains(part), "{engine:?} {part}\n{given}");
        }
        assert!(left(&sandbox).is_empty());
        let named = |name: &String| name.starts_with("dwf-") && name.ends_with("-scan");
        assert!(!engine.containers().iter().any(named), "{engine:?}");
    }
}
