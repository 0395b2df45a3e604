use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use devflow_oci::hash::sha256;

use super::*;
use crate::lock;
use crate::store::hash_tree;

/// A project, a folder outside it, and a user with a home of its own.
struct Ground {
    _dir: tempfile::TempDir,
    root: PathBuf,
    world: World,
}

impl Ground {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["project", "outside", "home"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        let mut world = World::read().unwrap();
        world.env.retain(|name, _| !name.starts_with("XDG_"));
        world.env.insert("HOME".to_owned(), root.join("home").to_string_lossy().into_owned());
        Self { _dir: dir, root, world }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn launcher(&self, agreed: &str) -> Launcher {
        let project = Project::load(&self.at("project")).unwrap();
        let mut world = self.world.clone();
        world.env.insert("DWF_TRUST".to_owned(), agreed.to_owned());
        let consent = crate::trust::Record::new(&project, &world.state().unwrap()).consent(&world).unwrap();
        Launcher::new(&world, &project, Policy::Auto, consent)
    }
}

fn found(path: &Path, origin: Origin) -> Found {
    Found { name: "x".parse().unwrap(), path: path.to_owned(), origin, shadows: Vec::new(), pin: None }
}

fn pinned(path: &Path, kind: lock::Kind, sha256: &str) -> Found {
    let root = path.parent().unwrap().to_owned();
    let pin = crate::discover::Pinned {
        kind,
        sha256: sha256.to_owned(),
        root,
        reads: Vec::new(),
        brought: false,
        stored: false,
        source_shown: "installed".to_owned(),
        witness: None,
    };
    Found { pin: Some(pin), ..found(path, Origin::Lock) }
}

/// Starts it and gives its exit code.
async fn run(launch: &Launch) -> Option<i32> {
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    launch.start(&env).unwrap().wait().await.unwrap().code()
}

#[tokio::test(flavor = "local")]
async fn what_came_with_the_project_takes_consent_to_its_bytes() {
    let ground = Ground::new();
    let inside = ground.write("project/tools/x", "#!/bin/sh\nexit 7\n");
    let link = ground.at("outside/devflow-ext-x");
    symlink(&inside, &link).unwrap();
    let hash = sha256("#!/bin/sh\nexit 7\n");
    for (path, origin) in [(&inside, Origin::Config), (&link, Origin::SearchPath), (&inside, Origin::Lock)] {
        let error = ground.launcher(&sha256("other")).prepare(&found(path, origin)).await.unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::Refused);
        assert!(error.hint().unwrap().contains(&hash), "{error}");
        let launch = ground.launcher(&hash).prepare(&found(path, origin)).await.unwrap();
        assert_eq!(run(&launch).await, Some(7));
    }
    // A pin is no consent.
    let error = ground.launcher(&sha256("other")).prepare(&pinned(&inside, lock::Kind::Script, &hash)).await;
    assert!(error.unwrap_err().to_string().contains("nobody outside it has agreed"));
    // What the user's own environment names, and what came with dwf, takes none.
    for origin in [Origin::Variable, Origin::Own] {
        let (launcher, found) = (ground.launcher(&sha256("other")), found(&inside, origin));
        assert_eq!(run(&launcher.prepare(&found).await.unwrap()).await, Some(7));
        assert_eq!(launcher.identify(&found).await.unwrap(), None);
    }
    fs::write(&inside, "#!/bin/sh\nexit 8\n").unwrap();
    assert!(ground.launcher(&hash).prepare(&found(&inside, Origin::Config)).await.is_err());
}

#[tokio::test(flavor = "local")]
async fn what_is_pinned_is_what_runs() {
    let ground = Ground::new();
    let launcher = ground.launcher(&sha256("nothing"));
    let native = fs::read("/bin/true").unwrap();
    let script = "#!/bin/sh\n[ \"${0##*/}\" = program ] && [ ! -e \"${0%/*}/lib\" ] && exit 7\n";
    ground.write("outside/lib", "");
    for (name, kind, bytes, code) in
        [("elf", lock::Kind::Elf, &native[..], 0), ("script", lock::Kind::Script, script.as_bytes(), 7)]
    {
        let path = ground.write(&format!("outside/{name}"), bytes);
        let launch = launcher.prepare(&pinned(&path, kind, &sha256(bytes))).await.unwrap();
        // Too late to matter.
        fs::write(&path, "#!/bin/sh\nexit 66\n").unwrap();
        assert_eq!(run(&launch).await, Some(code), "{name}");
        let error = launcher.prepare(&pinned(&path, kind, &sha256(bytes))).await.unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::Refused);
        assert!(error.detail().unwrap().contains(&sha256("#!/bin/sh\nexit 66\n")), "{name}");
    }
}

/// A folder is run as a whole, from a copy that has the hash.
#[tokio::test(flavor = "local")]
async fn a_pinned_folder_keeps_its_files_together() {
    let ground = Ground::new();
    let launcher = ground.launcher(&sha256("nothing"));
    let entry = ground.write("outside/tree/x", "#!/bin/sh\n. \"${0%/*}/more/lib.sh\"\n");
    ground.write("outside/tree/more/lib.sh", "exit 7\n");
    let hash = hash_tree(&ground.at("outside/tree")).unwrap();
    let pinned = pinned(&entry, lock::Kind::Tree, &hash);
    let launch = launcher.prepare(&pinned).await.unwrap();
    ground.write("outside/tree/more/lib.sh", "exit 66\n");
    assert_eq!(run(&launch).await, Some(7));
    let error = launcher.prepare(&pinned).await.unwrap_err();
    assert_eq!(error.exit(), crate::error::Exit::Refused, "{error}");
    // A copy that somebody changed is made anew.
    ground.write("outside/tree/more/lib.sh", "exit 7\n");
    let kept = ground.at("home/.local/state/devflow/verified/sha256").join(&hash).join("more/lib.sh");
    fs::set_permissions(&kept, Permissions::from_mode(0o700)).unwrap();
    fs::write(&kept, "exit 66\n").unwrap();
    assert_eq!(run(&launcher.prepare(&pinned).await.unwrap()).await, Some(7));
}

#[tokio::test(flavor = "local")]
async fn an_extension_elsewhere_finds_its_neighbours() {
    let ground = Ground::new();
    let path = ground.write("outside/x", "#!/bin/sh\n. \"${0%/*}/lib.sh\"\n");
    ground.write("outside/lib.sh", "exit 7\n");
    let launcher = ground.launcher(&sha256("nothing"));
    for origin in [Origin::SearchPath, Origin::Variable, Origin::Own] {
        assert_eq!(run(&launcher.prepare(&found(&path, origin)).await.unwrap()).await, Some(7));
    }
}

/// How an attacker changes the file.
#[derive(Debug, Clone, Copy)]
enum Swap {
    Rename,
    Rewrite,
}

/// Somebody who swaps a good file and an evil one as fast as can be, until the value goes away.
struct Attacker {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Attacker {
    fn new(path: PathBuf, files: [(PathBuf, Vec<u8>); 2], swap: Swap) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let next = path.with_extension("next");
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                for (file, bytes) in &files {
                    match swap {
                        Swap::Rename => {
                            fs::hard_link(file, &next).unwrap();
                            fs::rename(&next, &path).unwrap();
                            // A file renamed onto itself keeps both names.
                            let _ = fs::remove_file(&next);
                        }
                        Swap::Rewrite => fs::write(&path, bytes).unwrap(),
                    }
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()), "the attack ended");
    }
}

/// Starts a file again and again while it is attacked. The evil one may never run.
async fn race(kind: lock::Kind, good: &[u8], evil: &[u8], swap: Swap, tries: usize) {
    let ground = Ground::new();
    let files = [("evil", evil), ("good", good)]
        .map(|(name, bytes)| (ground.write(&format!("outside/{name}"), bytes), bytes.to_owned()));
    let path = ground.write("outside/x", good);
    let (launcher, pinned) = (ground.launcher(&sha256("nothing")), pinned(&path, kind, &sha256(good)));
    let _attacker = Attacker::new(path, files, swap);
    let (mut accepted, mut refused) = (0, 0);
    // On a busy machine one of the two can be slow to come.
    for tried in 0..100 * tries {
        if tried >= tries && accepted > 0 && refused > 0 {
            break;
        }
        match launcher.prepare(&pinned).await {
            Ok(launch) => {
                accepted += 1;
                assert_eq!(run(&launch).await, Some(0), "the evil one ran");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(accepted > 0 && refused > 0, "{swap:?}: {accepted} accepted, {refused} refused");
}

#[tokio::test(flavor = "local")]
async fn a_program_that_is_renamed_while_it_starts() {
    let [good, evil] = ["/bin/true", "/bin/false"].map(|path| fs::read(path).unwrap());
    race(lock::Kind::Elf, &good, &evil, Swap::Rename, 3000).await;
}

#[tokio::test(flavor = "local")]
async fn a_program_that_is_rewritten_while_it_starts() {
    let [good, evil] = ["/bin/true", "/bin/false"].map(|path| fs::read(path).unwrap());
    race(lock::Kind::Elf, &good, &evil, Swap::Rewrite, 3000).await;
}

#[tokio::test(flavor = "local")]
async fn a_script_that_is_swapped_while_it_starts() {
    for swap in [Swap::Rename, Swap::Rewrite] {
        race(lock::Kind::Script, b"#!/bin/sh\nexit 0\n", b"#!/bin/sh\nexit 1\n", swap, 500).await;
    }
}

/// What the store has is hashed as it is read, and refused as the store's; what came with the project is compared, too.
#[tokio::test(flavor = "local")]
async fn what_the_store_has_is_read_once() {
    let ground = Ground::new();
    let launcher = ground.launcher(&sha256("nothing"));
    let script = "#!/bin/sh\nexit 7\n";
    let hash = sha256(script);
    let place = ground.write(&format!("home/.local/share/devflow/ext/sha256/{hash}/program"), script);
    let here = ground.write("outside/here", script);
    let mut pinned = pinned(&place, lock::Kind::Script, &hash);
    let pin = pinned.pin.as_mut().unwrap();
    pin.stored = true;
    let witness_hash = lock::Hash::from_hex(&hash).unwrap();
    pin.witness = Some(crate::discover::Witness { path: here.clone(), tree: false, hash: witness_hash });
    assert_eq!(run(&launcher.prepare(&pinned).await.unwrap()).await, Some(7));
    assert!(!ground.at("home/.local/state/devflow/verified").exists(), "there is no second copy");

    let refused = async |words: &str| {
        let error = launcher.prepare(&pinned).await.unwrap_err();
        assert_eq!(error.exit(), crate::error::Exit::Refused);
        let text = format!("{error}\n{}\n{}", error.detail().unwrap_or_default(), error.hint().unwrap());
        assert!(text.contains(words), "{words}\n{text}");
        assert_eq!(super::verify(&pinned, &ground.world).await.unwrap_err().to_string(), error.to_string());
    };
    fs::write(&here, "another\n").unwrap();
    refused(&format!("  expected  sha256:{hash}\n  found     sha256:{}", sha256("another\n"))).await;
    refused("dwf ext update x").await;
    fs::remove_file(&here).unwrap();
    refused("is pinned, and").await;
    fs::write(&here, script).unwrap();
    // Bytes that are no program at all are told as what they are first of all: not those that are pinned.
    fs::write(&place, "no program").unwrap();
    refused(&format!("was changed: it has the hash sha256:{}", sha256("no program"))).await;
    refused("dwf ext sync").await;
}
