use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use tar::{Builder, EntryType, Header};

use super::*;
use crate::error::{Exit, Explain};
use crate::lock::{Hash, Kind, Platform};

/// A server that says these bytes to whoever calls, a call each, and then stays silent.
fn server(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for (stream, answer) in listener.incoming().zip(answers) {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
            let complete = answer.ends_with(b"!");
            if !complete {
                open.push(stream);
            }
        }
        std::thread::sleep(Duration::from_secs(60));
        drop(open);
    });
    address
}

fn http() -> Http {
    let short = Duration::from_millis(300);
    Http { connect: short, silence: short, whole: 4 * short, most: 1000, certificates: None }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n{body}").into_bytes()
}

#[track_caller]
fn fails(answers: Vec<Vec<u8>>, reason: &str) -> FetchError {
    let url = server(answers) + "/x";
    let error = http().get(&url, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains(reason) && error.to_string().contains(&url), "{error}");
    assert_eq!(error.exit(), Exit::Machine);
    error
}

#[test]
fn a_download_is_bounded_in_every_way() {
    let mut got = Vec::new();
    let url = server(vec![
        answer("302 Found", "location: /y\r\ncontent-length: 0\r\n", "!"),
        answer("200 OK", "content-length: 4\r\n", "abc!"),
    ]);
    let (size, hash) = http().get(&(url + "/x"), &mut got).unwrap();
    assert_eq!((size, got.as_slice(), hash), (4, &b"abc!"[..], devflow_oci::hash::sha256("abc!")));

    assert!(fails(vec![answer("404 Not Found", "content-length: 0\r\n", "!")], "answers 404").is_absent());
    assert!(!fails(vec![answer("500 No", "content-length: 0\r\n", "!")], "answers 500").is_absent());
    fails(vec![answer("200 OK", "content-length: 4000\r\n", "!")], "more than 0 MiB");
    fails(vec![answer("200 OK", "", &("x".repeat(5000) + "!"))], "more than 0 MiB");
    fails(vec![answer("200 OK", "content-length: 9\r\n", "abc!")], "");
    fails(vec![answer("200 OK", "content-length: 9\r\n", "abc")], "timeout");
    fails(vec![b"".to_vec()], "timeout");
    fails(vec![b"nonsense\r\n\r\n!".to_vec()], "");
    let round = answer("302 Found", "location: /x\r\ncontent-length: 0\r\n", "!");
    fails(vec![round; 20], "redirect");
    let elsewhere = answer("302 Found", "location: file:///etc/passwd\r\ncontent-length: 0\r\n", "!");
    fails(vec![elsewhere], "");
    assert!(http().get("http://127.0.0.1:1/x", &mut Vec::new()).is_err());
}

#[test]
fn certificates_that_cannot_be_read_are_said() {
    let with = |path: PathBuf| Http { certificates: Some(path), ..http() };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("empty"), "no certificate\n").unwrap();
    for path in [dir.path().join("empty"), dir.path().join("gone")] {
        let error = with(path).get("https://127.0.0.1:1/x", &mut Vec::new()).unwrap_err();
        assert!(matches!(error, FetchError::Certificates { .. }), "{error}");
    }
}

/// An archive of these entries: type, name, mode, content (or the target of a link).
fn archive(entries: &[(EntryType, &str, u32, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(flate2::write::GzEncoder::new(Vec::new(), Default::default()));
    for (kind, name, mode, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        // The builder would refuse what is to be refused here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        if is_link {
            header.set_link_name(content).unwrap();
        }
        let content = if is_link { "" } else { content };
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn bring_file(bytes: &[u8], change: impl Fn(&mut Wanted)) -> Result<(Brought, Vec<String>), FetchError> {
    let dir = tempfile::tempdir().unwrap();
    let stage = dir.path().join("stage");
    std::fs::create_dir_all(stage.join("content")).unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    let mut wanted =
        Wanted { from: From::Path(path), shown: "it".to_owned(), name: None, entry: None, pinned: None };
    change(&mut wanted);
    let result = bring(&stage, &http(), &wanted);
    let outside: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(outside.len(), 2, "{outside:?}");
    let content = crate::store::list(&stage.join("content")).unwrap();
    result.map(|brought| (brought, content.into_iter().map(|file| file.path).collect()))
}

const SCRIPT: &str = "#!/bin/sh\n";
const X: &str = "devflow-ext-x";

#[test]
fn an_archive_that_reaches_out_is_refused_whole() {
    let file = (EntryType::Regular, X, 0o755, SCRIPT);
    let check = |entry: (EntryType, &str, u32, &str), reason: &str| {
        let error = bring_file(&archive(&[file, entry]), |_| {}).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        let text = error.to_string();
        assert!(text.starts_with("the archive it is refused: ") && text.contains(reason), "{text}");
    };
    let regular = EntryType::Regular;
    check((regular, "../out", 0o644, ""), "`../out` is no plain path");
    check((regular, "a/../../out", 0o644, ""), "is no plain path");
    check((regular, "/etc/out", 0o644, ""), "`/etc/out` is no plain path");
    check((regular, "a//b", 0o644, ""), "is no plain path");
    check((regular, "a\\b", 0o644, ""), "is no plain path");
    check((regular, "a\x1b[31m", 0o644, ""), "`a\\u{1b}[31m` is no plain path");
    check((EntryType::Directory, "/", 0o755, ""), "is no plain path");
    check((EntryType::Symlink, "link", 0o777, "/etc/passwd"), "`link` is a link");
    check((EntryType::Link, "link", 0o644, X), "`link` is a link");
    for special in [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::GNUSparse] {
        check((special, "special", 0o644, ""), "");
    }
    check((regular, X, 0o755, "again"), "`devflow-ext-x` is in it twice");
    check((regular, "./Devflow-Ext-X", 0o755, "again"), "is in it twice");
    check((regular, "devflow-ext-x/inside", 0o644, ""), "devflow-ext-x/inside");
    check((EntryType::Directory, X, 0o755, ""), "devflow-ext-x");
}

#[test]
fn an_archive_that_is_too_much_is_refused() {
    let refused = |bytes: &[u8], reason: &str| {
        let error = bring_file(bytes, |_| {}).unwrap_err();
        assert!(
            matches!(&error, FetchError::Archive { .. }) && error.to_string().contains(reason),
            "{error}"
        );
    };
    let names: Vec<String> = (0..10_001).map(|at| format!("f{at}")).collect();
    let many: Vec<_> = names.iter().map(|name| (EntryType::Regular, name.as_str(), 0o644, "")).collect();
    refused(&archive(&many), "more than 10000 entries");

    let zeros = |size: u64| {
        let mut builder = Builder::new(flate2::write::GzEncoder::new(Vec::new(), Default::default()));
        let mut header = Header::new_gnu();
        header.set_size(size);
        builder.append_data(&mut header, "bomb", std::io::repeat(0).take(size)).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    };
    let bomb = zeros(2 << 20);
    assert!(bomb.len() < 1 << 14);
    let unpacked = |bytes: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let bounds = archive::Bounds { entries: 10, bytes: 1 << 20 };
        archive::unpack(std::fs::File::open(path).unwrap(), magic::Magic::Gzip, dir.path(), bounds)
    };
    assert_eq!(unpacked(&bomb).unwrap_err(), "it unpacks to more than 1 MiB");
    assert_eq!(unpacked(&zeros(1 << 20)).unwrap().len(), 1);
    // What is skipped is unpacked all the same.
    let header = (EntryType::XGlobalHeader, "g", 0o644, "0".repeat(3 << 20));
    let skipped = archive(&[(header.0, header.1, header.2, &header.3)]);
    assert!(unpacked(&skipped).unwrap_err().contains("far too much"));

    let whole = archive(&[(EntryType::Regular, X, 0o755, &"#!/bin/sh\n".repeat(500))]);
    refused(&whole[..whole.len() / 2], "");
    refused(&[0x1f, 0x8b, 8, 0, 1, 2, 3], "it cannot be read");
    refused(&[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3], "it cannot be read");
}

#[test]
fn the_program_in_an_archive_is_found() {
    let elf = std::fs::read_to_string("/dev/null").unwrap() + "\u{7f}ELF\u{2}\u{1}";
    let elf = format!("{elf}{}\u{3e}\0\0\0", "\0".repeat(12));
    let readme = (EntryType::Regular, "x-1.0/README", 0o644, "read me");
    let global = (EntryType::XGlobalHeader, "pax_global_header", 0o644, "");
    let folder = (EntryType::Directory, "./x-1.0/", 0o755, "");

    let inside = "x-1.0/devflow-ext-x";
    let native = archive(&[global, folder, readme, (EntryType::Regular, inside, 0o4755, &elf)]);
    let (brought, content) = bring_file(&native, |_| {}).unwrap();
    assert_eq!((brought.kind, brought.platform), (Kind::Elf, Some(Platform::X86Linux)));
    assert_eq!(brought.entry.unwrap().as_str(), inside);
    assert_eq!((brought.file_name.as_str(), content), (X, vec!["program".to_owned()]));
    assert_eq!(brought.executable.hex(), devflow_oci::hash::sha256(&elf));
    assert_eq!(brought.archive.unwrap().hex(), devflow_oci::hash::sha256(&native));

    let script = (EntryType::Regular, inside, 0o755, SCRIPT);
    let (brought, content) = bring_file(&archive(&[readme, script]), |_| {}).unwrap();
    assert_eq!((brought.kind, brought.platform), (Kind::Tree, Some(Platform::Any)));
    assert_eq!(content, ["x-1.0/README", inside]);
    let (brought, content) = bring_file(&archive(&[script]), |_| {}).unwrap();
    assert_eq!((brought.kind, content), (Kind::Script, vec!["program".to_owned()]));

    let other = (EntryType::Regular, "devflow-ext-y", 0o755, SCRIPT);
    let plain = (EntryType::Regular, "devflow-ext-z", 0o644, SCRIPT);
    let all = archive(&[script, other, plain]);
    let says = |change: &dyn Fn(&mut Wanted), text: &str| {
        let error = bring_file(&all, change).unwrap_err();
        assert!(error.to_string().contains(text) && error.exit() == Exit::Usage, "{error}");
    };
    says(&|_| {}, "which of these is meant? x-1.0/devflow-ext-x, devflow-ext-y, devflow-ext-z");
    says(&|wanted| wanted.name = "z".parse().ok(), "`devflow-ext-z` in it is not executable");
    says(&|wanted| wanted.name = "q".parse().ok(), "there is no devflow-ext-NAME in it");
    says(&|wanted| wanted.entry = "bin/x".parse().ok(), "there is no `bin/x` in it");
    let (brought, _) = bring_file(&all, |wanted| wanted.entry = "devflow-ext-y".parse().ok()).unwrap();
    assert_eq!(brought.entry.unwrap().as_str(), "devflow-ext-y");
}

#[test]
fn zstandard_is_unpacked_too() {
    let tar = {
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(SCRIPT.len() as u64);
        builder.append_data(&mut header, X, SCRIPT.as_bytes()).unwrap();
        builder.into_inner().unwrap()
    };
    let zstd = ruzstd::encoding::compress_to_vec(&tar[..], ruzstd::encoding::CompressionLevel::Fastest);
    let (brought, _) = bring_file(&zstd, |_| {}).unwrap();
    assert_eq!((brought.kind, brought.file_name.as_str()), (Kind::Script, X));
}

#[test]
fn what_is_pinned_is_compared_before_it_is_opened() {
    let good = archive(&[(EntryType::Regular, X, 0o755, SCRIPT)]);
    let hash = |bytes: &[u8]| Hash::from_hex(&devflow_oci::hash::sha256(bytes)).unwrap();
    let pins = |archive: &[u8], program: &[u8]| {
        let pins = Pins { kind: Kind::Script, archive: Some(hash(archive)), executable: hash(program) };
        move |wanted: &mut Wanted| {
            (wanted.pinned, wanted.entry) = (Some(pins.clone()), X.parse().ok());
            wanted.name = "x".parse().ok();
        }
    };
    assert!(bring_file(&good, pins(&good, SCRIPT.as_bytes())).is_ok());
    for (bytes, pins, expected) in [
        // What is no archive at all is never tried as one.
        (&b"\x1f\x8b broken"[..], pins(&good, SCRIPT.as_bytes()), hash(&good)),
        (&good[..good.len() - 1], pins(&good, SCRIPT.as_bytes()), hash(&good)),
        (&good[..], pins(&good, b"other"), hash(b"other")),
    ] {
        let error = bring_file(bytes, pins).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit()), (PINNED, Exit::Refused));
        let detail = error.detail().unwrap();
        assert!(detail.contains(&format!("expected  {expected}\n  found     sha256:")), "{detail}");
        assert!(detail.ends_with("source    it"), "{detail}");
    }
}

const PINNED: &str = "extension `x` is not what devflow.lock pins";

#[test]
fn a_file_that_is_no_program_is_said() {
    let error = bring_file(b"text", |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("it: it is no script (no #! line)"), "{error}");
    let gone = |wanted: &mut Wanted| wanted.from = From::Path("/nowhere/at/all".into());
    assert!(matches!(bring_file(b"", gone).unwrap_err(), FetchError::Read { .. }));
    let device = |wanted: &mut Wanted| wanted.from = From::Path("/dev/zero".into());
    assert!(matches!(bring_file(b"", device).unwrap_err(), FetchError::Read { .. }));
}
