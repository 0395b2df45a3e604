//! What is known of caches, and what takes them away: with true engines, and against trees that want more removed.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use devflow_tests::{Engine, Run, Sandbox, Spec};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const IMAGE: &str = "docker.io/library/debian:bookworm-slim";

/// An extension with a cache of each scope, and an action that writes to both.
const EXTENSION: &str = r#"#!/bin/sh
while IFS= read -r line; do
  id=${line#*\"id\":\"}; id=${id%%\"*}
  case $line in
    *'"initialize"'*) result='{"protocol":1,"extension":{"name":"filler","version":"1"}}' ;;
    *'"project/describe"'*) result='{"applies":true,"commands":[{"name":"fill:all"},{"name":"fill:slow"}],"caches":[{"name":"downloads","env":"DOWNLOADS"},{"name":"products","env":"PRODUCTS","scope":"environment"},{"name":"tools","env":"TOOLS","managed":"self"}]}' ;;
    *'fill:slow'*) result='{"action":{"steps":[{"program":"sh","args":["-c","touch ready; sleep 600"]}]}}' ;;
    *) result='{"action":{"steps":[{"program":"sh","args":["-c","for d in \"$$DOWNLOADS\" \"$$PRODUCTS\" \"$$TOOLS\"; do head -c 300000 /dev/zero > $$d/file; done"]}]}}' ;;
  esac
  printf '{"jsonrpc":"2.0","id":"%s","result":%s}\n' "$id" "$result"
done
"#;

/// A project of that extension, and its sandbox.
struct Place {
    sandbox: Sandbox,
    project: PathBuf,
}

impl Place {
    fn new(engine: Engine) -> Self {
        Self::of(Sandbox::new(engine), "")
    }

    fn of(sandbox: Sandbox, more: &str) -> Self {
        sandbox.program("found/devflow-ext-filler", EXTENSION);
        let config = format!(
            "[project]\nname = \"p\"\nstack = [\"filler\"]\n[container]\nimage = \"{IMAGE}\"\n[targets]\npr = [\"fill:all\"]\n{more}"
        );
        sandbox.write("p/devflow.toml", &config);
        let project = sandbox.path().join("p");
        Self { sandbox, project }
    }

    fn dwf(&self, args: &[&str]) -> Spec {
        let args = args.iter().copied().chain(["--engine", self.sandbox.engine().name()]);
        let spec = self.sandbox.dwf(&self.project, args);
        let path = format!("{}:{}", self.sandbox.path().join("found").display(), spec.get_env("PATH"));
        spec.env("PATH", &path)
    }

    fn json(&self, args: &[&str], code: i32) -> Value {
        let run = self.dwf(args).run();
        run.expect(code);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
    }

    fn list(&self) -> Vec<Value> {
        self.json(&["cache", "list", "--json"], 0)["caches"].as_array().cloned().unwrap_or_default()
    }

    /// A shared cache that was used so many days ago, with a file of this size.
    fn entry(&self, name: &str, days: u64, bytes: usize) -> PathBuf {
        let path = self.sandbox.cache().join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("file"), vec![1; bytes]).unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let record = format!("{{\"version\":1,\"workspace\":\"/\",\"used\":{}}}", now - days * 86_400);
        let entries = self.sandbox.cache().join(".dwf/entries");
        std::fs::create_dir_all(&entries).unwrap();
        std::fs::write(entries.join(format!("{name}.json")), record).unwrap();
        path
    }
}

fn names<'a>(rows: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut names: Vec<String> =
        rows.into_iter().map(|row| row["name"].as_str().unwrap_or("-").to_owned()).collect();
    names.sort();
    names
}

fn rows<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Starts the action that does not end, and waits until it runs.
fn slow(place: &Place) -> devflow_tests::Started {
    let started = place.dwf(&["run", "fill:slow"]).start();
    for _ in 0..3_000 {
        if place.project.join("ready").exists() {
            return started;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the action does not run: {}", started.wait());
}

fn lived(engine: Engine) {
    let place = Place::new(engine);
    place.dwf(&["verify"]).run().expect(0);
    let listed = place.list();
    assert_eq!(names(&listed), ["downloads", "products", "tools"]);
    for row in &listed {
        assert!(row["size"].as_u64().unwrap() >= 300_000, "{row}");
        assert_eq!(row["in_use"], false, "{row}");
        assert_eq!(row["workspace"], place.project.to_str().unwrap());
        assert_eq!(row["stack"], "filler");
    }
    // Nothing of a running dwf goes, whatever the budget; a killed one holds nothing.
    let started = slow(&place);
    let none = ["cache", "prune", "--json", "--max-size", "0 B", "--older-than", "0 hours", "--managed"];
    let done = place.json(&none, 0);
    assert_eq!(names(rows(&done, "kept")), ["downloads", "products", "tools"], "{done}");
    assert!(place.list().iter().all(|row| row["in_use"] == true));
    kill(Pid::from_raw(i32::try_from(started.child.id()).unwrap()), Signal::SIGKILL).unwrap();
    started.wait();
    let done = place.json(&["cache", "prune", "--json", "--max-size", "0 B"], 0);
    assert_eq!(names(rows(&done, "removed")), ["downloads", "products"], "{done}");
    assert_eq!(names(rows(&done, "kept")), ["tools"], "its tool keeps it small: {done}");
    assert!(!place.sandbox.cache().join("downloads").exists());
    let env = place.sandbox.cache().join("env");
    assert_eq!(std::fs::read_dir(&env).unwrap().count(), 0);
    place.dwf(&["verify"]).run().expect(0);
}

#[test]
fn docker_keeps_what_is_in_use() {
    lived(Engine::Docker);
}

#[test]
fn podman_keeps_what_is_in_use() {
    lived(Engine::Podman);
}

#[test]
fn rootless_podman_keeps_what_is_in_use() {
    lived(Engine::Rootless);
}

/// The volumes of this place's cache root.
fn volumes(place: &Place) -> Vec<String> {
    let root = format!("--filter=label=dwf.root={}", place.sandbox.cache().display());
    let run =
        place.sandbox.engine().client().cwd("/").args(["volume", "ls", "--format={{.Name}}", &root]).run();
    run.expect(0).stdout.lines().map(str::to_owned).collect()
}

fn as_volumes(engine: Engine) {
    let place = Place::of(Sandbox::new(engine), "[cache]\nbackend = \"volume\"\n");
    place.dwf(&["verify"]).run().expect(0);
    assert_eq!(volumes(&place).len(), 3);
    assert!(!place.sandbox.cache().join("downloads").exists());
    // The same ones again, and nothing is made anew.
    let run = place.dwf(&["verify"]).env("RUST_LOG", "devflow=debug").run();
    assert!(!run.expect(0).stderr.contains("volume create"), "{run}");
    let listed = place.list();
    assert_eq!(names(&listed), ["downloads", "products", "tools"]);
    let seen = listed.iter().filter(|row| row["size"].as_u64() >= Some(300_000)).count();
    assert_eq!(seen, 3, "{listed:?}");
    let started = slow(&place);
    let none = ["cache", "prune", "--json", "--max-size", "0 B", "--managed"];
    assert_eq!(names(rows(&place.json(&none, 0), "removed")), [] as [&str; 0]);
    kill(Pid::from_raw(i32::try_from(started.child.id()).unwrap()), Signal::SIGTERM).unwrap();
    started.wait().expect(143);
    assert_eq!(names(rows(&place.json(&none, 0), "removed")), ["downloads", "products", "tools"]);
    assert_eq!(volumes(&place), [] as [&str; 0]);
    assert_eq!(place.list(), [] as [Value; 0]);
}

#[test]
fn docker_volumes() {
    as_volumes(Engine::Docker);
}

#[test]
fn podman_volumes() {
    as_volumes(Engine::Podman);
}

#[test]
fn rootless_podman_volumes() {
    as_volumes(Engine::Rootless);
}

#[test]
fn budgets_and_their_order() {
    let place =
        Place::of(Sandbox::without_engine(), "[cache]\nmax_size = \"2500 kB\"\nmax_age = \"20 days\"\n");
    for (name, days) in [("a", 30), ("b", 9), ("c", 3), ("d", 6), ("e", 1)] {
        place.entry(name, days, 1_000_000);
    }
    let told = place.dwf(&["cache", "prune", "--dry-run"]).run();
    told.expect(0).says("2 caches kept, 3 would be removed");
    let told: Vec<&str> = told.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(told, ["remove", "remove", "remove", "keep", "keep"], "the longest unused first");
    assert_eq!(place.list().len(), 5, "a dry run removes nothing");
    let done = place.json(&["cache", "prune", "--json", "--max-size", "10 MB"], 0);
    assert_eq!(names(rows(&done, "removed")), ["a"], "a flag wins: {done}");
    assert_eq!(rows(&done, "removed")[0]["because"], "too long unused");
    let done = place.json(&["cache", "prune", "--json"], 0);
    assert_eq!(names(rows(&done, "removed")), ["b", "d"], "{done}");
    assert!(done["freed"].as_u64().unwrap() >= 2_000_000, "{done}");
    assert_eq!(names(&place.list()), ["c", "e"]);
    let list = place.dwf(&["cache", "list"]).run();
    assert!(
        list.expect(0).stdout.lines().all(|line| line.contains("days ago") || line.contains("day ago")),
        "{list}"
    );
}

#[test]
fn a_run_applies_the_budgets() {
    let place = Place::of(Sandbox::new(Engine::Podman), "[cache]\nmax_age = \"20 days\"\n");
    let old = place.entry("old", 30, 1_000);
    let recent = place.entry("recent", 10, 1_000);
    let run = place.dwf(&["verify"]).run();
    run.expect(0).says("1 removed");
    assert!(!old.exists() && recent.exists());
    let old = place.entry("old", 30, 1_000);
    let run = place.dwf(&["verify"]).run();
    run.expect(0);
    assert!(old.exists(), "once a day is enough: {run}");
}

/// What a tree below a cache may be, and what of it must stay.
#[test]
fn nothing_outside_goes() {
    let place = Place::of(Sandbox::without_engine(), "");
    let outside = place.sandbox.write("outside/kept", "kept");
    let entry = place.entry("old", 40, 1_000);
    symlink(place.sandbox.path().join("outside"), entry.join("link")).unwrap();
    symlink("../../../outside/kept", entry.join("file-link")).unwrap();
    std::fs::hard_link(&outside, entry.join("hard")).unwrap();
    nix::unistd::mkfifo(&entry.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::create_dir_all(entry.join("closed/in")).unwrap();
    std::fs::set_permissions(entry.join("closed"), std::fs::Permissions::from_mode(0o000)).unwrap();
    deep(&entry, 5_000);
    devflow_tests::give(&entry.join("closed"), (1001, 1001));
    // What came with a repository in place of dwf's folders leads nowhere.
    symlink(place.sandbox.path().join("outside"), place.sandbox.cache().join("env")).unwrap();
    let done = place.json(&["cache", "prune", "--json"], 0);
    assert_eq!(names(rows(&done, "removed")), ["old"], "{done}");
    assert!(!entry.exists());
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(place.sandbox.cache().join(".dwf/trash")).unwrap().count(), 0);
}

/// Folders deeper than any path.
fn deep(folder: &Path, levels: usize) {
    let run = "import os,sys\nos.chdir(sys.argv[1])\nfor _ in range(int(sys.argv[2])):\n os.mkdir('d'); os.chdir('d')\nopen('f','w')";
    let levels = levels.to_string();
    Spec::new("python3").args(["-c", run, &folder.to_string_lossy(), &levels]).run().expect(0);
}

#[test]
fn what_is_mounted_in_a_cache_is_not_touched() {
    let place = Place::of(Sandbox::without_engine(), "");
    let kept = place.sandbox.write("outside/kept", "kept");
    let entry = place.entry("old", 40, 1_000);
    std::fs::create_dir(entry.join("mounted")).unwrap();
    // In a mount namespace of its own, so that the mount goes with the program; of the same file system.
    let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (from, to) = (text(kept.parent().unwrap()), text(&entry.join("mounted")));
    let front = ["unshare", "--mount", "sh", "-c", script, "sh", &from, &to];
    let run = place.dwf(&["cache", "prune"]).under(front).run();
    run.expect(6).says("a mount point");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "kept");
    // The next one, which has no mount there, ends what was begun.
    place.dwf(&["cache", "prune"]).run().expect(0);
    assert_eq!(std::fs::read_dir(place.sandbox.cache().join(".dwf/trash")).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_removed_is_told_and_the_rest_goes() {
    let place = Place::of(Sandbox::without_engine(), "");
    let entry = place.entry("old", 40, 1_000);
    let other = place.entry("other", 31, 1_000);
    let fixed = entry.join("fixed");
    std::fs::write(&fixed, "x").unwrap();
    Spec::new("chattr").args(["+i", &fixed.to_string_lossy()]).run().expect(0);
    let run = place.dwf(&["cache", "prune"]).run();
    let left = std::fs::read_dir(place.sandbox.cache().join(".dwf/trash")).unwrap().flatten().next();
    let left = left.expect("the folder with what is fixed").path();
    Spec::new("chattr").args(["-i", &left.join("fixed").to_string_lossy()]).run().expect(0);
    run.expect(6).says("fixed");
    assert!(!entry.exists() && !other.exists());
    assert_eq!(std::fs::read_dir(&left).unwrap().count(), 1);
    place.dwf(&["cache", "prune"]).run().expect(0);
    assert!(!left.exists());
}

#[test]
fn rootless_podman_removes_what_is_its_users() {
    let place = Place::new(Engine::Rootless);
    let entry = place.entry("old", 40, 1_000);
    std::fs::create_dir(entry.join("foreign")).unwrap();
    std::fs::write(entry.join("foreign/file"), "x").unwrap();
    devflow_tests::give(&place.sandbox.cache(), Engine::Rootless.user());
    let foreign = entry.join("foreign").to_string_lossy().into_owned();
    Engine::Rootless.client().cwd("/").args(["unshare", "chown", "-R", "7:7", &foreign]).run().expect(0);
    assert_ne!(std::fs::metadata(entry.join("foreign/file")).unwrap().uid(), Engine::Rootless.user().0);
    gone(&place.dwf(&["cache", "prune"]).run(), &place);
}

#[test]
fn docker_removes_what_is_anothers() {
    let place = Place::of(Sandbox::of_an_ordinary_user(), "");
    let entry = place.entry("old", 40, 1_000);
    std::fs::create_dir_all(entry.join("foreign/deeper")).unwrap();
    std::fs::write(entry.join("foreign/deeper/file"), "x").unwrap();
    let (uid, gid) = Engine::Rootless.user();
    devflow_tests::give(&place.sandbox.cache(), (uid, gid));
    devflow_tests::give(&entry.join("foreign"), (1001, 1001));
    let socket = std::fs::metadata("/var/run/docker.sock").unwrap().gid().to_string();
    let (reuid, regid, groups) =
        (format!("--reuid={uid}"), format!("--regid={gid}"), format!("--groups={socket}"));
    let args = ["cache", "prune", "--engine", "docker"];
    let dwf =
        place.sandbox.dwf(&place.project, args).user((0, 0)).under(["setpriv", &reuid, &regid, &groups]);
    gone(&dwf.run(), &place);
}

fn gone(run: &Run, place: &Place) {
    run.expect(0);
    assert!(!place.sandbox.cache().join("old").exists());
    assert_eq!(std::fs::read_dir(place.sandbox.cache().join(".dwf/trash")).unwrap().count(), 0, "{run}");
}

#[test]
fn a_killed_prune_is_ended_by_the_next() {
    let place = Place::of(Sandbox::without_engine(), "");
    let entry = place.entry("old", 40, 1_000);
    for folder in 0..40 {
        std::fs::create_dir(entry.join(folder.to_string())).unwrap();
        for file in 0..500 {
            std::fs::write(entry.join(format!("{folder}/{file}")), "").unwrap();
        }
    }
    let started = place.dwf(&["cache", "prune"]).start();
    while entry.exists() {
        std::thread::yield_now();
    }
    kill(Pid::from_raw(i32::try_from(started.child.id()).unwrap()), Signal::SIGKILL).unwrap();
    started.wait().expect(137);
    let trash = place.sandbox.cache().join(".dwf/trash");
    assert_eq!(std::fs::read_dir(&trash).unwrap().count(), 1, "nothing was left to end");
    place.dwf(&["cache", "prune"]).run().expect(0);
    assert_eq!(std::fs::read_dir(&trash).unwrap().count(), 0);
}

#[test]
fn an_index_that_is_broken_is_written_again() {
    let place = Place::new(Engine::Docker);
    place.dwf(&["verify"]).run().expect(0);
    let entries = place.sandbox.cache().join(".dwf/entries");
    for entry in std::fs::read_dir(&entries).unwrap().flatten() {
        std::fs::write(entry.path(), "\0garbage").unwrap();
    }
    std::fs::write(entries.join("surprise"), "x").unwrap();
    std::fs::write(place.sandbox.cache().join(".dwf/sizes.json"), "[").unwrap();
    assert_eq!(place.list().len(), 3);
    place.json(&["cache", "prune", "--json"], 0);
    place.dwf(&["verify"]).run().expect(0);
    let listed = place.list();
    assert_eq!(names(&listed), ["downloads", "products", "tools"]);
    assert!(listed.iter().all(|row| row["stack"] == "filler"), "{listed:?}");
    assert!(entries.join("surprise").exists());
}
