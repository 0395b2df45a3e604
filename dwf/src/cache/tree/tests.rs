use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, mkdirat};

use super::*;

fn opened(path: &Path) -> OwnedFd {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).unwrap()
}

#[test]
fn nothing_outside_of_a_tree_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    fs::create_dir_all(at("kept/sub")).unwrap();
    fs::write(at("kept/sub/file"), "x").unwrap();
    fs::create_dir_all(at("tree/deep/er")).unwrap();
    symlink(at("kept"), at("tree/out")).unwrap();
    symlink("../../kept/sub", at("tree/deep/out")).unwrap();
    symlink("gone", at("tree/dangling")).unwrap();
    fs::hard_link(at("kept/sub/file"), at("tree/hard")).unwrap();
    nix::unistd::mkfifo(&at("tree/fifo"), Mode::S_IRWXU).unwrap();
    fs::write(at("tree/deep/er/file"), "x").unwrap();
    fs::set_permissions(at("tree/deep/er"), Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(at("tree/deep"), Permissions::from_mode(0o400)).unwrap();
    assert_eq!(remove(opened(dir.path()).as_fd(), c"tree", &Limit::default()), Ok(()));
    assert!(!at("tree").exists());
    assert_eq!(fs::read_to_string(at("kept/sub/file")).unwrap(), "x");
}

#[test]
fn a_link_is_no_tree() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    fs::create_dir(at("kept")).unwrap();
    fs::write(at("kept/file"), "x").unwrap();
    symlink(at("kept"), at("link")).unwrap();
    let result = remove(opened(dir.path()).as_fd(), c"link", &Limit::default());
    assert!(matches!(&result, Err(Trouble::Refused(_))), "{result:?}");
    assert!(at("link").is_symlink() && at("kept/file").exists());
}

#[test]
fn a_tree_may_be_deeper_than_paths_and_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let top = opened(dir.path());
    let mut fd = top.try_clone().unwrap();
    for name in std::iter::once(c"tree").chain(std::iter::repeat_n(c"a", 5_000)) {
        mkdirat(&fd, name, Mode::S_IRWXU).unwrap();
        fd = folder(fd.as_fd(), name).unwrap();
    }
    let held = fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default();
    assert!(held < 500, "this would prove nothing: {held}");
    assert!(measure(top.as_fd(), c"tree", &Limit::default()).whole);
    assert_eq!(remove(top.as_fd(), c"tree", &Limit::default()), Ok(()));
    assert!(!dir.path().join("tree").exists());
}

#[test]
fn what_has_two_names_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    fs::create_dir(at("one")).unwrap();
    fs::write(at("one/file"), vec![1; 1 << 20]).unwrap();
    let top = opened(dir.path());
    let size = |name: &CStr| measure(top.as_fd(), name, &Limit::default());
    let before = size(c"one");
    assert!((1 << 20..2 << 20).contains(&before.bytes), "{before:?}");
    fs::hard_link(at("one/file"), at("one/again")).unwrap();
    fs::create_dir(at("big")).unwrap();
    fs::write(at("big/file"), vec![1; 4 << 20]).unwrap();
    symlink("../big/file", at("one/link")).unwrap();
    symlink("../big", at("one/folder")).unwrap();
    assert!(size(c"one").bytes < before.bytes + (64 << 10), "{:?}", size(c"one"));
    assert_eq!(size(c"absent").bytes, 0);
}

#[test]
fn who_says_stop_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("tree")).unwrap();
    for number in 0..1_000 {
        fs::write(dir.path().join("tree").join(number.to_string()), "").unwrap();
    }
    let top = opened(dir.path());
    let limit = Limit::of(Duration::ZERO);
    assert!(!measure(top.as_fd(), c"tree", &limit).whole);
    assert_eq!(remove(top.as_fd(), c"tree", &limit), Err(Trouble::Stopped));
    let limit = Limit::default();
    limit.clone().stop();
    assert_eq!(remove(top.as_fd(), c"tree", &limit), Err(Trouble::Stopped));
    assert!(dir.path().join("tree").exists());
}
