//! `dwf image list` and `dwf image prune`: what somebody needs stays, and nobody else's image is touched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use devflow_tests::{Engine, Run, Sandbox, Spec};
use serde_json::Value;

/// Bytes of each image.
const SIZE: usize = 300_000;

/// A project without git.
const ALONE: &str = "[project]\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n";

/// A project with a name that no other test's has, and the images that were made for it.
struct Shop {
    sandbox: Sandbox,
    name: String,
    root: PathBuf,
}

impl Shop {
    fn new(sandbox: Sandbox, test: &str) -> Self {
        let name = format!("prune-{test}-{}-{:?}", std::process::id(), sandbox.engine()).to_lowercase();
        let config = format!(
            "[project]\nname = \"{name}\"\nstack = []\n[commands.\"x:y\"]\nrun = [\"true\"]\n\
             [container]\nfingerprint_inputs = ['image/**']\n"
        );
        sandbox.write("shop/devflow.toml", &config);
        sandbox.write("shop/image/list", "0");
        let root = sandbox.path().join("shop");
        let shop = Self { sandbox, name, root };
        shop.git(&["init", "-q", "-b", "main"]);
        shop.commit();
        shop
    }

    fn git(&self, words: &[&str]) -> String {
        let own = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        let spec = Spec::new("git").user(self.sandbox.engine().user()).args(own).args(words.iter().copied());
        spec.cwd(&self.root).run().expect(0).stdout.trim().to_owned()
    }

    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn dwf(&self, words: &[&str]) -> Spec {
        self.sandbox.dwf(&self.root, words.iter().chain(&["--engine", self.sandbox.engine().name()]).copied())
    }

    /// The fingerprint of a commit, of a checkout in a clone that the project knows nothing of.
    fn fingerprint(&self, commit: &str) -> String {
        let clone = self.sandbox.path().join(format!("clone-{commit}"));
        if !clone.exists() {
            self.git(&["clone", "-q", "--no-checkout", ".", &clone.to_string_lossy()]);
            let clone = clone.to_string_lossy();
            self.git(&["-C", &clone, "checkout", "-q", "--detach", commit]);
        }
        self.sandbox.dwf(&clone, ["fingerprint"]).run().expect(0).stdout.trim().to_owned()
    }

    fn engine(&self, words: &[&str]) -> Run {
        self.sandbox.engine().client().cwd(self.sandbox.path()).args(words.iter().copied()).run()
    }

    /// Makes an image with a layer of its own.
    fn image(&self, name: &str, label: &str) {
        let file = format!("layers/{}", name.replace(['/', ':'], "-"));
        self.sandbox.write(&file, &name.repeat(SIZE / name.len() + 1));
        let tar = format!("{file}.tar");
        Spec::new("tar").cwd(self.sandbox.path()).args(["-cf", &tar, &file]).run().expect(0);
        let label = format!("LABEL dwf.project={label}");
        self.engine(&["import", "--change", &label, &tar, name]).expect(0);
    }

    fn repository(&self) -> String {
        format!("localhost/devflow/{}", self.name)
    }

    /// All images with the test's mark in their names.
    fn images(&self) -> BTreeSet<String> {
        let run = self.engine(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        run.expect(0).stdout.lines().filter(|name| name.contains(&self.name)).map(str::to_owned).collect()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if self.sandbox.engine().client().args(["version"]).run().code == 0 {
            for name in self.images() {
                self.engine(&["image", "rm", "--force", &name]);
            }
        }
    }
}

fn fingerprints(value: &Value) -> Vec<&str> {
    let rows = value.as_array().expect("a list");
    rows.iter().map(|row| row["fingerprint"].as_str().expect("a fingerprint")).collect()
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.expect(0).stdout).expect("JSON")
}

/// Twelve branches need five of nine images.
#[test]
fn exactly_what_branches_need_stays() {
    for engine in [Engine::Docker, Engine::Podman, Engine::Rootless] {
        let shop = Shop::new(Sandbox::new(engine), "branches");
        let mut needed = Vec::new();
        for (content, branches) in [3, 3, 2, 2, 1].into_iter().enumerate() {
            shop.sandbox.write("shop/image/list", &content.to_string());
            let commit = shop.commit();
            needed.push(shop.fingerprint(&commit));
            // The twelfth is the one that is checked out.
            (0..branches).for_each(|n| drop(shop.git(&["branch", &format!("b{content}-{n}")])));
        }
        assert_eq!(shop.git(&["branch", "--list"]).lines().count(), 12);
        let surplus = ["a", "b", "c", "d"].map(|digit| digit.repeat(64));
        let repository = shop.repository();
        // From the oldest to the newest.
        for fingerprint in surplus[..2].iter().chain(&needed).chain(&surplus[2..]) {
            shop.image(&format!("{repository}:{fingerprint}"), &shop.name);
        }
        let other = "e".repeat(64);
        let unrelated = [
            (format!("{repository}-more:{other}"), "more"),
            (format!("localhost/elsewhere/{}:{other}", shop.name), shop.name.as_str()),
            (format!("{repository}:{other}"), "more"),
            (format!("{repository}:latest"), &shop.name),
            (format!("{repository}:{}", "E".repeat(64)), &shop.name),
        ];
        unrelated.iter().for_each(|(name, label)| shop.image(name, label));
        let before = shop.images();
        assert_eq!(before.len(), 14);

        let dry = shop.dwf(&["image", "prune", "--dry-run", "--json"]).run();
        let value = json(&dry);
        assert_eq!(fingerprints(&value["removed"]), surplus, "oldest first");
        assert_eq!(value["kept"].as_array().map(Vec::len), Some(5));
        let foreseen = value["freed"].as_u64().expect("bytes");
        assert!(foreseen >= 4 * SIZE as u64, "{value:#}");
        let dry = shop.dwf(&["image", "prune", "--dry-run", "--keep=3"]).run();
        dry.expect(0).says("8 images kept, 1 would be removed: up to ");
        assert_eq!(dry.stdout.matches("one of the newest").count(), 3);
        assert_eq!(shop.images(), before, "a dry run removes nothing");

        let container = format!("{}-user", shop.name);
        shop.engine(&["create", "--name", &container, &format!("{repository}:{}", surplus[1]), "x"])
            .expect(0);
        let run = shop.dwf(&["image", "prune"]).run();
        shop.engine(&["rm", &container]).expect(0);
        run.expect(0).says("6 images kept, 3 removed: ");
        assert!(run.stdout.contains("a container uses it"), "{run}");

        let value = json(&shop.dwf(&["image", "prune", "--json"]).run());
        assert_eq!(fingerprints(&value["removed"]), [surplus[1].as_str()]);
        let freed = value["freed"].as_u64().expect("bytes");
        assert!(freed >= SIZE as u64 && 4 * freed <= foreseen + 4096, "{freed} of {foreseen}");
        let left = needed.iter().map(|fingerprint| format!("{repository}:{fingerprint}"));
        let left: BTreeSet<String> = left.chain(unrelated.into_iter().map(|(name, _)| name)).collect();
        assert_eq!(shop.images(), left);

        let value = json(&shop.dwf(&["image", "list", "--json"]).run());
        let mut rows = value["images"].as_array().expect("images").iter();
        assert_eq!(fingerprints(&value["images"]), needed.iter().rev().collect::<Vec<_>>(), "newest first");
        let newest = rows.next().expect("a row");
        assert_eq!(newest["current"], true);
        let name = format!("worktree {}", shop.root.display());
        assert_eq!(newest["needed_by"], serde_json::json!(["branch b4-0", "branch main", "this tree", name]));
        assert!(rows.all(|row| row["current"] == false));
        let list = shop.dwf(&["image", "list"]).run();
        assert_eq!(list.expect(0).stdout.lines().count(), 5);
        assert!(list.stdout.contains("  branch b0-0, branch b0-1, branch b0-2\n"), "{list}");
    }
}

/// Tags, worktrees with what is in them now, detached heads, and names that look like options.
#[test]
fn whoever_needs_an_image() {
    let shop = Shop::new(Sandbox::new(Engine::Docker), "others");
    let mut expected: Vec<(String, String)> = Vec::new();
    let mut content = |text: &str, who: &str| {
        shop.sandbox.write("shop/image/list", text);
        let commit = shop.commit();
        expected.push((shop.fingerprint(&commit), who.to_owned()));
        commit
    };
    let tagged = content("tagged", "tag v1, tag v2");
    shop.git(&["tag", "-a", "-m", "x", "v1", &tagged]);
    shop.git(&["tag", "-a", "-m", "x", "v2", "v1"]);
    let option = content("option", "branch -x");
    shop.git(&["update-ref", "refs/heads/-x", &option]);
    // What no commit is needs nothing.
    shop.git(&["tag", "blob", "HEAD:image/list"]);
    shop.git(&["tag", "tree", "HEAD^{tree}"]);
    let [tree, gone] = ["tree", "gone"].map(|name| shop.sandbox.path().join(name));
    let detached = content("detached", &format!("worktree {}", tree.display()));
    shop.git(&["worktree", "add", "-q", "--detach", &tree.to_string_lossy(), &detached]);
    let lost = content("lost", &format!("worktree {}", gone.display()));
    shop.git(&["worktree", "add", "-q", "--detach", &gone.to_string_lossy(), &lost]);
    std::fs::remove_dir_all(&gone).expect("it is there");
    content("committed", &format!("branch main, worktree {}", shop.root.display()));
    std::fs::write(tree.join("image/list"), "not committed").expect("a file");
    let now = shop.sandbox.dwf(&tree, ["fingerprint"]).run().expect(0).stdout.trim().to_owned();
    expected.push((now, format!("worktree {}", tree.display())));
    shop.sandbox.write("shop/image/list", "here");
    let here = shop.dwf(&["fingerprint"]).run().expect(0).stdout.trim().to_owned();
    expected.push((here, "this tree".to_owned()));

    let repository = shop.repository();
    for (fingerprint, _) in &expected {
        shop.image(&format!("{repository}:{fingerprint}"), &shop.name);
    }
    let value = json(&shop.dwf(&["image", "prune", "--json"]).run());
    assert_eq!(value["removed"], serde_json::json!([]));
    for (fingerprint, who) in &expected {
        let row = value["kept"].as_array().expect("a list").iter();
        let row = row.clone().find(|row| row["fingerprint"] == **fingerprint).expect("its image");
        let because: Vec<&str> =
            row["because"].as_array().expect("reasons").iter().filter_map(Value::as_str).collect();
        assert_eq!(because.join(", "), *who);
    }
    assert!(shop.git(&["status", "--porcelain"]).contains("image/list"), "nothing is checked out");
}

/// However many branches there are, each with files of its own, git is started a few times.
#[test]
fn many_branches_cost_few_processes() {
    let sandbox = Sandbox::without_engine();
    sandbox.program("fake/docker", "#!/bin/sh\nexit 1\n");
    let log = sandbox.path().join("log");
    sandbox
        .program("fake/git", &format!("#!/bin/sh\necho x >>{}\nexec /usr/bin/git \"$@\"\n", log.display()));
    let shop = Shop::new(sandbox, "many");
    let mut stream = String::new();
    for branch in 0..300 {
        let text = format!("content of {branch}\n");
        stream += &format!(
            "commit refs/heads/b{branch}\ncommitter x <x@example.org> 0 +0000\ndata 1\nx\nfrom refs/heads/main^0\n\
             M 100644 inline image/a/b/{branch}\ndata {}\n{text}\n",
            text.len()
        );
    }
    let file = shop.sandbox.write("stream", &stream).to_string_lossy().into_owned();
    let line = format!("git fast-import --quiet <{file}");
    Spec::new("sh").args(["-c", &line]).cwd(&shop.root).run().expect(0);
    let path = format!("{}:/usr/bin:/bin", shop.sandbox.path().join("fake").display());
    let spec = shop.sandbox.dwf(&shop.root, ["image", "prune", "--engine", "docker"]).env("PATH", &path);
    spec.run().expect(5).says("docker does not answer");
    let started = std::fs::read_to_string(log).expect("a log").lines().count();
    assert!((5..=16).contains(&started), "{started}");
}

/// Where nobody knows what is needed, no engine is even asked.
#[test]
fn what_is_not_known_removes_nothing() {
    let sandbox = Sandbox::without_engine();
    let witness = sandbox.path().join("asked");
    sandbox.program("fake/docker", &format!("#!/bin/sh\ntouch {}\nexit 1\n", witness.display()));
    let shop = Shop::new(sandbox, "unknown");
    let path = format!("{}:/usr/bin:/bin", shop.sandbox.path().join("fake").display());
    let prune = |root: &Path, code: i32, texts: &[&str]| {
        let spec = shop.sandbox.dwf(root, ["image", "prune", "--engine", "docker"]);
        let run = spec.env("PATH", &path).run();
        run.expect(code);
        for text in texts {
            run.says(text);
        }
        assert!(!witness.exists(), "{run}");
    };
    let spec = shop.sandbox.dwf(&shop.root, ["image", "prune", "--engine", "docker"]);
    let fake = shop.sandbox.path().join("fake").to_string_lossy().into_owned();
    spec.env("PATH", &fake).run().expect(6).says("no `git` is on PATH");

    shop.sandbox.write("alone/devflow.toml", ALONE);
    prune(&shop.sandbox.path().join("alone"), 2, &["is in no git repository"]);

    let first = shop.git(&["rev-parse", "HEAD"]);
    let heads = shop.root.join(".git/refs/heads");
    std::fs::write(heads.join("damaged"), "no commit\n").expect("a file");
    prune(&shop.root, 6, &["git cannot read a branch or tag", "refs/heads/damaged"]);
    std::fs::write(heads.join("damaged"), format!("{}\n", "1".repeat(40))).expect("a file");
    prune(&shop.root, 2, &["this clone is without the object 1111"]);
    std::fs::remove_file(heads.join("damaged")).expect("it is there");

    shop.git(&["checkout", "-q", "-b", "wrong"]);
    shop.sandbox.write("shop/devflow.toml", "[projekt]\n");
    shop.commit();
    shop.git(&["checkout", "-q", "main"]);
    prune(
        &shop.root,
        2,
        &["branch wrong: the devflow.toml of that commit cannot be used", "branch wrong:devflow.toml:1"],
    );
    shop.git(&["branch", "-q", "-D", "wrong"]);

    shop.sandbox.write("shop/image/list", "1");
    shop.commit();
    shop.git(&["config", "uploadpack.allowFilter", "true"]);
    let partial = shop.sandbox.path().join("partial");
    let from = format!("file://{}", shop.root.display());
    shop.git(&["clone", "-q", "--filter=blob:none", &from, &partial.to_string_lossy()]);
    shop.git(&["-C", &partial.to_string_lossy(), "branch", "old", &first]);
    prune(&partial, 2, &["this clone is without the object", "--refetch"]);
    assert!(!witness.exists());

    // What was cut off is no branch; that there is more is said.
    let shallow = shop.sandbox.path().join("shallow");
    shop.git(&["clone", "-q", "--depth=1", &from, &shallow.to_string_lossy()]);
    let spec = shop.sandbox.dwf(&shallow, ["image", "prune", "--engine", "docker"]).env("PATH", &path);
    spec.run().expect(5).says("docker does not answer");
    assert!(witness.exists());
}
