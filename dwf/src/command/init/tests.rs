use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::change::{Change, Step, make};
use super::ignored::{by_builds, by_git};
use super::text::Facts;
use crate::error::{Exit, Explain};
use crate::project::Project;

const CACHE: &str = ".cache/devflow";

fn facts(name: &str, stacks: &[&str], members: &[&str]) -> Facts {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    Facts { name: name.to_owned(), stacks: set(stacks), members: set(members) }
}

fn lines(root: &Path) -> Change {
    Change::lines(root, ".gitignore", |text| by_git(text, CACHE)).unwrap()
}

#[test]
fn the_configuration_is_one_that_dwf_reads() {
    let dir = tempfile::tempdir().unwrap();
    let odd = ["apps/web", "a\"b", "x[1]"];
    for member in odd {
        std::fs::create_dir_all(dir.path().join(member)).unwrap();
    }
    let text = facts("shop", &["b", "a"], &odd).config("localhost/devflow/shop");
    assert!(text.contains("\nname = \"shop\"\nstack = [\"a\", \"b\"]\nmembers = ["), "{text}");
    std::fs::write(dir.path().join("devflow.toml"), &text).unwrap();
    let project = Project::load(dir.path()).unwrap();
    let mut dirs: Vec<_> = project.members.iter().skip(1).map(|member| member.dir.to_string()).collect();
    dirs.sort();
    assert_eq!(dirs, ["a\"b", "apps/web", "x[1]"]);

    let small = facts("shop", &["a"], &[]).config("h.io/team/shop-ci");
    assert!(small.contains("\nstack = [\"a\"]\n\n[container]\n") && !small.contains("members"), "{small}");
    assert!(small.contains("/team/shop-ci\"") && !small.contains("{{"), "{small}");
    // What is shown of the gate is what holds without it.
    let shown = small.replace("# [targets]\n# pr", "[targets]\npr");
    std::fs::write(dir.path().join("devflow.toml"), &shown).unwrap();
    let project = Project::load(dir.path()).unwrap();
    let gate = project.config.file.targets.values().next().unwrap();
    let gate: Vec<&str> = gate.iter().map(|command| command.get_ref().as_str()).collect();
    let default: Vec<String> =
        crate::config::default_target("pr").unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(gate, default);
}

#[test]
fn a_bake_file_quotes_what_it_is_given() {
    let text = facts("shop", &[], &[]).bake("localhost/devflow/shop", "a\"${b}\\%{c}/{{name}}");
    assert!(text.contains(r#"dockerfile = "a\"$${b}\\%%{c}/{{name}}""#), "{text}");
    assert!(text.contains("default = \"localhost/devflow/shop\""), "{text}");
}

#[test]
fn what_git_ignores_already_is_not_said_again() {
    let all = by_git(None, CACHE);
    assert_eq!(all, "# dwf's caches\n/.cache/devflow/\n");
    for text in [&all, ".cache/\n", ".*\n", "/.cache/devflow\r\n", "*\n!src\n", "devflow/\n"] {
        assert_eq!(by_git(Some(text), CACHE), "", "{text}");
    }
    for text in
        ["", "cache\n", "#.cache\n", ".cache/\n!.cache/\n", ".cache/devflow/x\n", "[\n", "src/.cache\n"]
    {
        assert_eq!(by_git(Some(text), CACHE), all, "{text}");
    }
    assert_eq!(by_git(None, "./a//b*"), "# dwf's caches\n/a/b\\*/\n");
}

#[test]
fn what_no_build_gets_is_not_said_again() {
    let all = by_builds(None, CACHE);
    assert_eq!(all, "# What no build reads\n.git\n.cache/devflow\n");
    for text in [&all, "*", "**\n!src\n", "/.cache/\n", ".cache/**\n", "./.cache/devflow\r\n"] {
        assert_eq!(by_builds(Some(text), CACHE), "", "{text}");
    }
    for text in ["", "cache\n", "# .cache\n", ".cache\n!.cache/devflow\n", "*.log\n", ".cache/dev\n"] {
        assert_eq!(by_builds(Some(text), CACHE), "# dwf's caches\n.cache/devflow\n", "{text}");
    }
}

#[test]
fn lines_are_added_once_and_to_the_end() {
    for (old, expected) in [
        ("target", "target\n\n# dwf's caches\n/.cache/devflow/\n"),
        ("target\n", "target\n\n# dwf's caches\n/.cache/devflow/\n"),
        ("target\r\n", "target\r\n\r\n# dwf's caches\r\n/.cache/devflow/\r\n"),
        ("", "# dwf's caches\n/.cache/devflow/\n"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".gitignore");
        std::fs::write(&path, old).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let change = lines(dir.path());
        assert_eq!(change.step, Step::Extend);
        make(dir.path(), &[change]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(lines(dir.path()).step, Step::Same);
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(".gitignore"), b"caf\xe9\n").unwrap();
    make(dir.path(), &[lines(dir.path())]).unwrap();
    let bytes = std::fs::read(dir.path().join(".gitignore")).unwrap();
    assert!(bytes.starts_with(b"caf\xe9\n\n# dwf"), "what is no UTF-8 stays as it is");
}

#[test]
fn no_link_is_followed() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = outside.path().join("rules");
    std::fs::write(&target, "mine\n").unwrap();
    symlink(&target, dir.path().join(".gitignore")).unwrap();
    let error = Change::lines(dir.path(), ".gitignore", |text| by_git(text, CACHE)).unwrap_err();
    assert_eq!(error.exit(), Exit::Usage);
    assert!(error.hint().unwrap().contains("make .gitignore a file of its own"), "{error}");

    symlink(&target, dir.path().join("devflow.toml")).unwrap();
    let file = |force| Change::file(dir.path(), "devflow.toml", "x".to_owned(), force);
    assert_eq!(file(false).unwrap().step, Step::Keep);
    assert!(file(true).is_err());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine\n");
}

#[test]
fn what_is_there_is_kept_or_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let file =
        |text: &str, force| Change::file(dir.path(), "docker-bake.hcl", text.to_owned(), force).unwrap();
    let first = file("one\n", false);
    assert_eq!(first.step, Step::Write);
    assert_eq!(first.shown(true), "write    docker-bake.hcl\n  | one\n");
    assert_eq!(first.shown(false), "write    docker-bake.hcl\n");
    make(dir.path(), std::slice::from_ref(&first)).unwrap();
    assert_eq!(file("one\n", false).step, Step::Same);
    // Somebody was faster.
    assert!(make(dir.path(), &[first]).is_err());

    let second = file("two\n", false);
    assert_eq!(second.step, Step::Keep);
    make(dir.path(), &[second]).unwrap();
    let read = || std::fs::read_to_string(dir.path().join("docker-bake.hcl")).unwrap();
    assert_eq!(read(), "one\n");
    make(dir.path(), &[file("two\n", true)]).unwrap();
    assert_eq!(read(), "two\n");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}
