use super::value::{Hash, Platform, Source};
use super::*;
use crate::error::{Exit, Explain};

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn entry(name: &str) -> String {
    format!(
        "[[extension]]\nname = \"{name}\"\nversion = \"0.1.0\"\nprotocol = 1\nkind = \"elf\"\n\n\
         [extension.platform.x86_64-linux]\nsource = \"https://example.org/{name}\"\nexecutable = \"{A}\"\n"
    )
}

fn lock(more: &str) -> String {
    format!("version = 1\n\n{}{more}", entry("x"))
}

/// Fails unless the text is refused so, at this line.
#[track_caller]
fn refused(text: &str, exit: Exit, message: &str, line: usize) {
    let error = Lock::parse(text).expect_err(text);
    assert_eq!((error.to_string().as_str(), error.exit()), (message, exit), "{text}");
    let detail = error.detail().expect("a place");
    assert!(detail.contains(&format!("--> devflow.lock:{line}:")) && detail.contains("^"), "{detail}");
}

#[test]
fn a_lock_is_read() {
    let text = lock("\n[[action]]\nother = 1\n[dwf]\nversion = \"0.1.0\"\n");
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), text).unwrap();
        let lock = Lock::load(dir.path()).unwrap().unwrap();
        let entry = lock.entry(&"x".parse().unwrap()).unwrap();
        let artifact = entry.artifact(Platform::X86Linux).unwrap();
        assert_eq!(artifact.executable.to_string(), A);
        assert!(entry.artifact(Platform::ArmLinux).is_none());
        assert!(lock.entry(&"y".parse().unwrap()).is_none());
    }
    assert!(Lock::load(tempfile::tempdir().unwrap().path()).unwrap().is_none());
}

#[test]
fn what_is_wrong_is_shown_at_its_line() {
    let check = |old: &str, new: &str, message: &str, line: usize| {
        let text = lock("");
        assert!(text.contains(old), "{old}");
        refused(&text.replacen(old, new, 1), Exit::Usage, message, line);
    };
    check("version = 1", "", "devflow.lock begins with version = 1", 1);
    check("version = 1", "version = \"1\"", "devflow.lock begins with version = 1", 1);
    check("\"x\"", "\"-x\"", "\"-x\" is not an extension's name: it is [a-z0-9][a-z0-9-]{0,62}", 4);
    check("protocol", "protocoll", "unknown key `protocoll`", 6);
    check("protocol = 1\n", "", "missing field `protocol`", 3);
    check("\"elf\"", "\"exe\"", "unknown value `exe`", 7);
    check("x86_64-linux", "riscv-linux", "unknown value `riscv-linux`", 9);
    check("x86_64-linux", "any", "a native program is for one platform, not for `any`", 9);
    check("https:", "ftp:", "a source is https://…, a path inside the project, file:/…, or installed", 10);
    check(
        "https://",
        "https://me:pw@",
        "an address in a file that everybody reads holds no user and no password",
        10,
    );
    check("https://example.org/x", "https:///x", "this address names no host", 10);
    check("https://example.org/x", "file:x", "after `file:` comes an absolute path without `..`", 10);
    check(
        "https://example.org/x",
        "../x",
        "\"../x\" is not a path inside the project: it is relative, separated by /, without ..",
        10,
    );
    check("sha256:a", "sha256:A", "this hash has upper-case digits; they are written in lower case", 11);
    check("sha256:a", "sha256:", "this hash has 63 digits, and SHA-256 has 64", 11);
    check("sha256:a", "sha256:g", "this hash has characters that are no hexadecimal digits", 11);
    check("sha256:a", "md5:a", "a hash is written `sha256:` and 64 hexadecimal digits", 11);
    check(
        "protocol = 1",
        "protocol = \"1\"",
        "this is the text \"1\", and has to be a whole number that is not negative",
        6,
    );
    check("\"0.1.0\"", "\"\"", "this is no version", 5);
    check("kind = \"elf\"", "kind = \"elf\"\nreads = [\"usr\"]", FOLDER, 8);
    check("kind = \"elf\"", "kind = \"elf\"\nreads = [\"~/../usr\"]", FOLDER, 8);
    let more = |line: &str, message: &str, at: usize| refused(&lock(line), Exit::Usage, message, at);
    more("entry = \"bin/x\"\n", "`entry` is for archives and trees only", 10);
    more(
        &format!("archive = \"{B}\"\n"),
        "`entry` is missing: which file of the archive is the program?",
        10,
    );
    more(&entry("x"), "extension `x` is pinned twice", 13);
    more("[extensions]\n", "unknown key `extensions`", 12);
    more("[[extension]]\n", "missing field `name`", 12);
    more("source = \"y\"\n", "duplicate key", 12);
}

const FOLDER: &str = "a folder is absolute or begins with ~/, and has no `..`";

#[test]
fn what_cannot_be_verified_is_refused() {
    let text = lock("").replacen("version = 1", "version = 2\nnovelty = true", 1);
    refused(&text, Exit::Refused, "devflow.lock has version 2, which this dwf does not know", 1);
    let tree = lock("").replace("elf", "tree");
    refused(&tree, Exit::Usage, "`entry` is missing: which file of the tree is the program?", 10);
    let open = format!("{tree}entry = \"bin/x\"\n");
    refused(&open, Exit::Usage, "`archive` is missing: a tree is downloaded as an archive", 10);
    let installed = lock("").replace("https://example.org/x", "installed");
    assert!(Lock::parse(&installed).is_ok());
    let archive = format!("{installed}archive = \"{B}\"\nentry = \"x\"\n");
    refused(&archive, Exit::Usage, "what is installed is one file", 10);
    let none = lock("").split("[extension.platform").next().unwrap().to_owned() + "platform = {}\n";
    refused(&none, Exit::Usage, "extension `x` is pinned for no platform", 4);
}

#[test]
fn an_unfinished_merge_is_said_plainly() {
    let merged = lock("<<<<<<< HEAD\n=======\n>>>>>>> other branch\n");
    refused(&merged, Exit::Usage, "devflow.lock has an unresolved merge conflict", 12);
    refused("version = 1\r\n=======\r\n", Exit::Usage, "devflow.lock has an unresolved merge conflict", 2);
    assert!(Lock::parse("version = 1\n# ======= no mark\n").is_ok());
}

#[test]
fn a_file_that_is_no_file_or_too_large_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let cause = || {
        let error = Lock::load(dir.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        match error {
            LockError::Read(cause) => cause.to_string(),
            other => other.to_string(),
        }
    };
    std::fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
    assert_eq!(cause(), "it is larger than 1048576 bytes");
    std::fs::write(&path, [0xff]).unwrap();
    assert_eq!(cause(), "devflow.lock is not UTF-8 text");
    std::fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(cause(), "it is not a regular file");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert_eq!(cause(), "it is a symbolic link");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(cause(), "it is not a regular file");
}

#[test]
fn what_is_not_ours_survives_a_write() {
    let text = format!(
        "# ours\nversion = 1 # the first\n\n[[image]]\nname = \"debian\" # a base\ndigest = \"{B}\"\n\n# about x\n{}\n\
         [[action]]\nuses = \"a/b\"\n",
        entry("x").replace("0.1.0\"", "0.1.0\" # old")
    );
    let old = Lock::parse(&text).unwrap();
    let mut changed = old.extensions[0].clone();
    let artifact = changed.platform.values().next().unwrap().clone();
    changed.version = toml::Spanned::new(0..0, "0.2.0".to_owned());
    changed.platform = [(toml::Spanned::new(0..0, Platform::ArmLinux), artifact.clone())].into();
    let mut added = changed.clone();
    added.name = toml::Spanned::new(0..0, "y".parse().unwrap());
    added.kind = Kind::Script;
    let elsewhere = Artifact { source: toml::Spanned::new(0..0, Source::Installed), ..artifact };
    added.platform.insert(toml::Spanned::new(0..0, Platform::Any), elsewhere);

    let dir = tempfile::tempdir().unwrap();
    let written = write(dir.path(), Some(&old), &[changed, added]).unwrap();
    let read = Lock::load(dir.path()).unwrap().unwrap();
    assert_eq!(read.source.text, written.source.text);
    let text = &*read.source.text;
    for kept in ["# ours\nversion = 1 # the first", "name = \"debian\" # a base", "# about x\n[[extension]]"]
    {
        assert!(text.contains(kept), "{kept}:\n{text}");
    }
    assert!(text.contains("version = \"0.2.0\" # old") && text.contains("uses = \"a/b\""), "{text}");
    assert!(!text.contains("x86_64-linux") && text.contains("[extension.platform.any]"), "{text}");
    assert_eq!(read.extensions.len(), 2);

    // Written again, nothing changes; and a new lock begins by saying what it is.
    assert_eq!(write::with(text, &read.extensions).unwrap(), text);
    let new = write::with("", &read.extensions).unwrap();
    assert!(new.starts_with("# Exactly which bytes") && new.matches('#').count() == 2, "{new}");
    assert_eq!(Lock::parse(&new).unwrap().extensions.len(), 2);
}

#[test]
fn a_platform_has_its_bytes_or_those_for_any() {
    assert_eq!(Platform::of("linux", "x86_64"), Some(Platform::X86Linux));
    assert_eq!(Platform::of("plan9", "x86_64"), None);
    assert!(Hash::from_hex(&"A".repeat(64)).is_none());
    let any = lock("").replace("x86_64-linux", "any").replace("elf", "script");
    let lock = Lock::parse(&any).unwrap();
    assert!(lock.extensions[0].artifact(Platform::ArmMacos).is_some());
    let other = Lock::parse(&any.replace(A, B)).unwrap();
    assert_ne!(lock.extensions[0].digest(), other.extensions[0].digest());
}

fn image(name: &str, digest: &str) -> String {
    format!("[[image]]\nname = \"{name}\"\ndigest = \"{digest}\"\n")
}

fn pins(images: &[(&str, &str)]) -> std::collections::BTreeMap<devflow_oci::ImageRef, Hash> {
    let pin = |(name, digest): &(&str, &str)| {
        (name.parse().unwrap(), Hash::try_from((*digest).to_owned()).unwrap())
    };
    images.iter().map(pin).collect()
}

#[test]
fn base_images_are_pinned_by_the_name_that_is_written() {
    let text = format!("version = 1\n{}{}", image("debian:bookworm-slim", A), image("h.io:5000/a/b", B));
    let lock = Lock::parse(&text).unwrap();
    let digest = |name: &str| lock.digest_of(name).map(ToString::to_string);
    assert_eq!(digest("debian:bookworm-slim").as_deref(), Some(A));
    assert_eq!(digest("h.io:5000/a/b").as_deref(), Some(B));
    for other in
        ["debian", "docker.io/library/debian:bookworm-slim", "", &format!("debian:bookworm-slim@{A}")]
    {
        assert_eq!(digest(other), None, "{other}");
    }
}

#[test]
fn what_is_wrong_with_a_base_image_is_shown_at_its_line() {
    let check = |image: String, message: &str, line: usize| {
        refused(&format!("version = 1\n{image}"), Exit::Usage, message, line);
    };
    let slim = image("debian:slim", A);
    check(format!("{slim}{slim}"), "image `debian:slim` is pinned twice", 6);
    check(
        image(&format!("debian:slim@{B}"), A),
        "the digest of an image stands in `digest`, not in its name",
        3,
    );
    check(slim.replace("sha256:", "sha512:"), "a hash is written `sha256:` and 64 hexadecimal digits", 4);
    check(slim.replace("sha256:a", "sha256:"), "this hash has 63 digits, and SHA-256 has 64", 4);
    check(slim.replace("digest", "digests"), "unknown key `digests`", 4);
    check("[[image]]\nname = \"debian\"\n".to_owned(), "missing field `digest`", 2);
    check(
        slim.replace("debian:slim", "-v"),
        "\"-v\" is not the name of an image: each part of the repository is lower-case letters and digits, joined by `.`, `_`, `__` or `-`",
        3,
    );
}

#[test]
fn images_are_written_in_order_and_leave_the_rest() {
    let write_to = |old: Option<&Lock>, images: &[(&str, &str)]| {
        let dir = tempfile::tempdir().unwrap();
        write_images(dir.path(), old, &pins(images)).unwrap();
        let read = Lock::load(dir.path()).unwrap().unwrap();
        assert_eq!(read.images.len(), images.len());
        read.source.text.to_string()
    };
    let new = write_to(None, &[("x.io/b", B), ("debian:slim", A)]);
    assert!(new.ends_with(&format!("\n{}\n{}", image("debian:slim", A), image("x.io/b", B))), "{new}");
    assert_eq!(write_to(Some(&Lock::parse(&new).unwrap()), &[("debian:slim", A), ("x.io/b", B)]), new);

    let text = lock(&format!("\n# a base\n{}# gone\n{}", image("z", A), image("y", A)));
    let moved = write_to(Some(&Lock::parse(&text).unwrap()), &[("z", B), ("a", A)]);
    assert!(moved.contains(entry("x").as_str()), "{moved}");
    assert!(moved.contains(&format!("# a base\n{}", image("z", B))), "{moved}");
    assert!(moved.ends_with(&image("a", A)) && !moved.contains("gone"), "{moved}");

    let read = Lock::parse(&moved).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let pinned = write(dir.path(), Some(&read), &read.extensions).unwrap();
    assert_eq!(&*pinned.source.text, moved, "pins of extensions and of images do not touch each other");
}
