use super::*;

fn store(dir: &Path) -> Store {
    Store { root: dir.join("ext"), uid: nix::unistd::geteuid().as_raw() }
}

fn staged(store: &Store, bytes: &str) -> (Stage, Hash) {
    let stage = store.stage().unwrap();
    let mut file = create(&stage.content().join(PROGRAM)).unwrap();
    std::io::Write::write_all(&mut file, bytes.as_bytes()).unwrap();
    seal(&file, true).unwrap();
    let hash = Hash::from_hex(&hash_of(Kind::Script, &stage.content()).unwrap()).unwrap();
    (stage, hash)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

#[test]
fn what_is_kept_is_given_out_again_and_only_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let (stage, hash) = staged(&store, "#!/bin/sh\n");
    assert!(store.get(Kind::Script, &hash).unwrap().is_none());
    let place = store.keep(&stage, Kind::Script, &hash).unwrap();
    drop(stage);
    assert_eq!(store.get(Kind::Script, &hash).unwrap(), Some(place.clone()));
    assert_eq!((mode(&place), mode(&place.join(PROGRAM)), mode(&store.root)), (0o700, 0o500, 0o700));
    assert_eq!(fs::read_dir(store.root.join("tmp")).unwrap().count(), 0);

    let program = place.join(PROGRAM);
    fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    fs::write(&program, "#!/bin/sh\n# more\n").unwrap();
    let error = store.get(Kind::Script, &hash).unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }) && error.exit() == Exit::Refused, "{error}");
    // Keeping it again mends it, and twice is no error.
    for _ in 0..2 {
        let (stage, again) = staged(&store, "#!/bin/sh\n");
        assert_eq!(again, hash);
        assert_eq!(store.keep(&stage, Kind::Script, &hash).unwrap(), place);
    }
    assert_eq!(store.get(Kind::Script, &hash).unwrap(), Some(place.clone()));

    fs::remove_file(&program).unwrap();
    std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
    assert!(matches!(store.get(Kind::Script, &hash).unwrap_err(), StoreError::Io(..)));
    fs::set_permissions(&place, Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(store.get(Kind::Script, &hash).unwrap_err(), StoreError::Shared(..)));
}

#[test]
fn a_tree_is_its_files_their_bytes_and_who_may_be_executed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tree");
    fs::create_dir_all(root.join("lib/deep")).unwrap();
    fs::write(root.join("lib/deep/a"), "a").unwrap();
    fs::write(root.join("main"), "main").unwrap();
    let first = hash_tree(&root).unwrap();
    let copy = dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    copy_tree(&root, &copy).unwrap();
    assert_eq!(hash_tree(&copy).unwrap(), first);
    assert_eq!((mode(&copy.join("main")), mode(&copy.join("lib/deep"))), (0o400, 0o700));

    let mut hashes = vec![first.clone()];
    fs::set_permissions(root.join("main"), Permissions::from_mode(0o755)).unwrap();
    hashes.push(hash_tree(&root).unwrap());
    fs::write(root.join("lib/deep/a"), "b").unwrap();
    hashes.push(hash_tree(&root).unwrap());
    fs::rename(root.join("lib/deep/a"), root.join("lib/a")).unwrap();
    hashes.push(hash_tree(&root).unwrap());
    fs::write(root.join("more"), "").unwrap();
    hashes.push(hash_tree(&root).unwrap());
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);

    std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
    let refused = |path: &Path| hash_tree(path).unwrap_err().to_string();
    assert_eq!(refused(&root), "link is neither a regular file nor a folder");
    let deep = dir.path().join("deep");
    fs::create_dir_all(deep.join("d/".repeat(40))).unwrap();
    assert!(refused(&deep).ends_with("is nested too deeply"));
}

#[test]
fn a_stage_goes_away_and_an_old_one_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = store.stage().unwrap().path().to_owned();
    assert!(!path.exists());
    let left = store.root.join("tmp/left");
    fs::create_dir(&left).unwrap();
    let old = std::time::SystemTime::now() - 2 * STALE;
    fs::File::open(&left).unwrap().set_modified(old).unwrap();
    fs::create_dir(store.root.join("tmp/young")).unwrap();
    drop(store.stage().unwrap());
    assert!(!left.exists() && store.root.join("tmp/young").exists());
}

#[test]
fn bytes_are_counted_while_they_are_copied() {
    let mut out = Vec::new();
    let (count, hash) = copy(&mut &b"abc"[..], &mut out, 3).unwrap();
    assert_eq!((count, out.as_slice()), (3, &b"abc"[..]));
    assert_eq!(hash, devflow_oci::hash::sha256("abc"));
    let error = copy(&mut &b"abcd"[..], &mut std::io::sink(), 3).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
}
