//! What a repository brought: nothing of it runs on the host before somebody outside it agreed.

use std::path::PathBuf;

use devflow_tests::{Run, Sandbox, Spec, append};

/// An extension that leaves a mark when it runs, were it not for the jail, and answers.
const EVIL: &str = r#"#!/bin/sh
echo started >&2
while IFS= read -r line; do
  id=${line#*\"id\":\"}; id=${id%%\"*}
  case $line in
    *'"initialize"'*) result='{"protocol":1,"extension":{"name":"evil","version":"1"}}' ;;
    *'"project/describe"'*) result='{"applies":true,"commands":[{"name":"test:unit"}]}' ;;
    *) result='{"action":{"steps":[{"program":"true"}]}}' ;;
  esac
  printf '{"jsonrpc":"2.0","id":"%s","result":%s}\n' "$id" "$result"
done
"#;

const CONFIG: &str = "[project]\nstack = [\"evil\"]\n[extensions.evil]\npath = \"tools/devflow-ext-evil\"\n";

/// A cloned repository with an extension of its own. Its user has no jail, so that a mark is one.
struct Clone {
    sandbox: Sandbox,
    root: PathBuf,
}

impl Clone {
    fn new() -> Self {
        let sandbox = Sandbox::without_engine();
        sandbox.write("config/devflow/config.toml", "[extensions]\njail = \"off\"\n");
        let root = sandbox.path().join("clone");
        let marked = format!("#!/bin/sh\ntouch '{}'\n", sandbox.path().join("ran").display());
        let text = EVIL.replacen("#!/bin/sh\n", &marked, 1);
        sandbox.program("clone/tools/devflow-ext-evil", &text);
        sandbox.write("clone/devflow.toml", CONFIG);
        Self { sandbox, root }
    }

    fn spec(&self, words: &[&str]) -> Spec {
        let config = self.sandbox.path().join("config");
        let spec = self.sandbox.dwf(&self.root, words.iter().copied());
        spec.env("PATH", "/usr/bin:/bin").env("XDG_CONFIG_HOME", &config.to_string_lossy())
    }

    fn run(&self, words: &[&str]) -> Run {
        self.spec(words).run()
    }

    fn evil(&self) -> PathBuf {
        self.root.join("tools/devflow-ext-evil")
    }

    /// Whether its extension has run since this was last asked.
    fn ran(&self) -> bool {
        std::fs::remove_file(self.sandbox.path().join("ran")).is_ok()
    }

    /// The hash that dwf says consent would be bound to.
    fn hash(&self) -> String {
        let run = self.run(&["plan"]);
        let line = run.expect(3).stderr.lines().find_map(|line| line.trim().strip_prefix("sha256  "));
        line.unwrap_or_else(|| panic!("{run}")).to_owned()
    }
}

#[test]
fn nothing_of_a_clone_runs() {
    let clone = Clone::new();
    let hash = clone.hash();
    // Programs that something might look up, and files that might decide something.
    let mark = format!("#!/bin/sh\ntouch '{}'\n", clone.sandbox.path().join("ran").display());
    for name in ["docker", "podman", "sh", "env", "git", "devflow-ext-rust", "devflow-ext-other", "dwf"] {
        clone.sandbox.program(&format!("clone/bin/{name}"), &mark);
    }
    for name in [".envrc", ".dwf", "config.toml", ".config/devflow/config.toml", ".devflow/config.toml"] {
        clone.sandbox.write(&format!("clone/{name}"), &format!("DWF_TRUST={hash}\n[trust]\nall = true\n"));
    }
    let root = clone.root.display().to_string();
    let path = format!(":.:bin:{root}/bin:{root}/tools:/usr/bin:/bin");
    for words in [
        &["--help"][..],
        &["plan", "--help"],
        &["help"],
        &["ext", "list"],
        &["ext", "list", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["plan"],
        &["verify"],
        &["verify", "--profile", "host"],
        &["run", "test:unit", "--profile", "host"],
        &["test:unit"],
        &["fingerprint"],
    ] {
        let run = clone.spec(words).env("PATH", &path).run();
        assert!(!clone.ran() && !run.stderr.contains("started"), "{words:?}: {run}");
    }
    // Without a devflow.toml the neighbours of dwf are asked, and nobody else.
    std::fs::remove_file(clone.root.join("devflow.toml")).expect("devflow.toml");
    for words in [&["plan"][..], &["doctor"], &["verify", "--profile", "host"]] {
        let run = clone.spec(words).env("PATH", &path).run();
        assert!(!clone.ran(), "{words:?}: {run}");
    }
}

/// Keys that would weaken dwf are the user's.
#[test]
fn a_project_cannot_consent_for_its_user() {
    let clone = Clone::new();
    for more in [
        "[trust]\nextensions = [\"evil\"]\n",
        "[extensions.evil]\ntrusted = true\n",
        "[container]\nengine = \"./bin/docker\"\n",
        "[container]\nengine_host = \"tcp://evil:1\"\n",
        "[runtime]\npath = \"bin\"\n",
        "[env]\nDWF_TRUST = \"yes\"\n",
    ] {
        let text = match more.strip_prefix("[extensions.evil]\n") {
            Some(key) => format!("{CONFIG}{key}"),
            None => format!("{CONFIG}{more}"),
        };
        std::fs::write(clone.root.join("devflow.toml"), text).expect("devflow.toml");
        let run = clone.run(&["verify", "--profile", "host"]);
        assert!(run.expect(2).stderr.contains("devflow.toml"), "{more}: {run}");
        assert!(!clone.ran(), "{more}");
    }
}

#[test]
fn consent_is_for_one_file_as_it_is() {
    let clone = Clone::new();
    let before = clone.run(&["plan"]);
    before.expect(3).says("extension `evil` came with this project").says("dwf ext trust evil");
    assert!(!clone.ran());
    clone.run(&["ext", "trust", "evil"]).expect(0).says("tools/devflow-ext-evil");
    assert!(!clone.ran(), "consent starts nothing");
    clone.run(&["plan"]).expect(0);
    assert!(clone.ran());
    // A byte more, and it is another program.
    append(&clone.evil(), "#");
    clone.run(&["plan"]).expect(3);
    assert!(!clone.ran());
    let text = std::fs::read_to_string(clone.evil()).expect("it");
    std::fs::write(clone.evil(), text.trim_end_matches('#')).expect("it");
    clone.run(&["plan"]).expect(0);
    assert!(clone.ran());
    // What else is in the project does not matter to it; another checkout does.
    append(&clone.root.join("devflow.toml"), "[runtime]\nprofile = \"container\"\n");
    clone.run(&["plan"]).expect(0);
    let copy = clone.sandbox.path().join("copy");
    Spec::new("cp").args(["-R", "clone", "copy"]).cwd(clone.sandbox.path()).run().expect(0);
    assert!(clone.ran());
    clone.run(&["-C", &copy.to_string_lossy(), "plan"]).expect(3);
    assert!(!clone.ran());
    // Another user has agreed to nothing.
    let other = clone.sandbox.path().join("other-state");
    clone.spec(&["plan"]).env("XDG_STATE_HOME", &other.to_string_lossy()).run().expect(3);
    assert!(!clone.ran());
}

#[test]
fn consent_in_a_ci_of_ones_own() {
    let clone = Clone::new();
    let hash = clone.hash();
    let with = |value: &str| clone.spec(&["plan"]).env("DWF_TRUST", value).env("CI", "true").run();
    with(&"0".repeat(64)).expect(3).says(&format!("DWF_TRUST={hash}"));
    with("yes").expect(2).says("DWF_TRUST");
    assert!(!clone.ran());
    with(&format!("{},{hash}", "0".repeat(64))).expect(0);
    assert!(clone.ran());
    append(&clone.evil(), "#");
    with(&hash).expect(3);
    assert!(!clone.ran());
}

/// The file a link leads to is what counts, not where the link lies.
#[test]
fn a_link_from_path_into_the_project() {
    let clone = Clone::new();
    std::fs::write(clone.root.join("devflow.toml"), "[project]\nstack = [\"evil\"]\n").expect("devflow.toml");
    let folder = clone.sandbox.path().join("linked");
    std::fs::create_dir(&folder).expect("a folder");
    std::os::unix::fs::symlink(clone.evil(), folder.join("devflow-ext-evil")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let plan = || clone.spec(&["plan"]).env("PATH", &path).run();
    plan().expect(3).says("came with this project");
    assert!(!clone.ran());
    clone.spec(&["ext", "trust", "evil"]).env("PATH", &path).run().expect(0);
    plan().expect(0);
    assert!(clone.ran());
    // What did not come with the project takes no consent.
    let own = clone.spec(&["ext", "trust", "rust"]).run();
    own.expect(0).says("did not come with this project");
}

#[test]
fn doctor_says_what_is_missing_and_starts_nothing_without_consent() {
    let clone = Clone::new();
    let doctor = |words: &[&str]| clone.run(words);
    let text = doctor(&["doctor", "--profile", "host"]);
    text.expect(1);
    for part in ["extension evil", "NO", "dwf ext trust evil", "engine", "jail", "cache"] {
        assert!(text.stdout.contains(part), "{part}: {text}");
    }
    let json = doctor(&["doctor", "--json", "--profile", "host"]);
    let value: serde_json::Value = serde_json::from_str(&json.expect(1).stdout).expect("JSON");
    assert_eq!(value["good"], false, "{value:#}");
    assert!(!clone.ran());
    doctor(&["ext", "trust", "evil"]).expect(0);
    let good = doctor(&["doctor", "--profile", "host"]);
    assert!(good.expect(0).stdout.contains("tools/devflow-ext-evil"), "{good}");
    // Only it knows the tools that it relies on.
    assert!(clone.ran() && good.stdout.contains("evil 1 (not pinned)"), "{good}");
    // With containers, an engine is needed.
    let bare = clone.spec(&["doctor"]).env("PATH", "/nowhere").run();
    assert!(bare.expect(1).stdout.contains("no container engine answers"), "{bare}");
}
