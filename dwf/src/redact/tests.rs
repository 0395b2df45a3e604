use std::io::Write;

use devflow_runner::wire::{Data, End, Event, Stream as Which};

use super::*;

fn hidden(values: &[&str]) -> Hidden {
    let hidden = Hidden::default();
    for value in values {
        hidden.hide(value);
    }
    hidden
}

fn through(hidden: &Hidden, pieces: &[&[u8]]) -> String {
    let mut stream = hidden.stream();
    let mut out: Vec<u8> = pieces.iter().flat_map(|piece| stream.push(piece)).collect();
    out.extend(stream.end());
    String::from_utf8(out).unwrap()
}

#[test]
fn values_are_replaced() {
    for (values, text, expected) in [
        (&["s3cret-one"][..], "a s3cret-one b", "a *** b"),
        (&["s3cret-one"], "s3cret-ones3cret-one", "***"),
        (&["s3cret-one"], "s3cret-one s3cret-one", "*** ***"),
        (&["s3cret-one"], "s3cret-on", "s3cret-on"),
        (&["abcdef", "abcdefgh"], "abcdefgh abcdefg", "*** ***g"),
        (&["abcdef", "defghi"], "xabcdefghix", "x***x"),
        (&["aaaaaa"], "aaaaaaaaa", "***"),
        (&["line one\nline two\n"], "line two, then line one", "***, then ***"),
        (&["ünïcödé"], "äünïcödéö", "ä***ö"),
        (&["short"], "short", "short"),
        (&[], "anything", "anything"),
    ] {
        assert_eq!(hidden(values).text(text), expected, "{values:?}");
    }
}

#[test]
fn every_split_gives_the_same() {
    let hidden = hidden(&["abcabcabd", "cabdxyz", "bdxyzé-end", "zzzzzz"]);
    let text = "abcabcabcabdxyzé-end.abcabcab zzzzzzzz, cabdxyz\u{e9}abcabcabd";
    let expected = "abc***.abcabcab ***, ***\u{e9}***";
    assert_eq!(through(&hidden, &[text.as_bytes()]), expected);
    let bytes = text.as_bytes();
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(through(&hidden, &pieces), expected, "{first} {second}");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(through(&hidden, &single), expected);
}

#[test]
fn what_is_kept_back_is_short_and_what_is_harmless_is_not_kept() {
    let hidden = hidden(&["0123456789abcdef"]);
    let mut stream = hidden.stream();
    assert_eq!(stream.push(b"hello\n"), b"hello\n");
    for _ in 0..1000 {
        stream.push(b"0123456789abcde");
        assert!(stream.kept.len() < 16);
    }
}

#[test]
fn too_short_is_said() {
    let hidden = Hidden::default();
    assert!(!hidden.hide("12345"));
    assert!(!hidden.hide("a\nb\n"));
    assert!(hidden.hide("a\n123456\n"));
    assert!(hidden.hide(""));
}

#[test]
fn a_file_hides_its_words_and_an_address_its_password() {
    let hidden = Hidden::default();
    hidden.hide_file("[registry]\ntoken = \"tok3n-0123456789\"\n");
    assert_eq!(hidden.text("got tok3n-0123456789 from the registry"), "got *** from the registry");
    hidden.hide_password("http://user:p4ss-word@proxy.example.org:3128/x");
    assert_eq!(
        hidden.text("http://user:p4ss-word@proxy.example.org:3128/"),
        "http://***@proxy.example.org:3128/"
    );
    assert_eq!(hidden.text("p4ss-word"), "***");
    hidden.hide_password("http://proxy.example.org:3128");
    assert_eq!(hidden.text("proxy.example.org"), "proxy.example.org");
}

#[test]
fn secrets_told_later_count_too() {
    let hidden = Hidden::default();
    let mut stream = hidden.stream();
    assert_eq!(stream.push(b"s3cret"), b"s3cret");
    hidden.hide("s3cret");
    assert_eq!(stream.push(b"s3cret"), b"***");
}

#[test]
fn streams_of_actions_are_apart() {
    let mut events = Events::new(&hidden(&["s3cret-value"]));
    let mut seen = Vec::new();
    let output = |id, stream, text: &str| Event::Output { id, stream, data: Data::Text(text.to_owned()) };
    for event in [
        output(1, Which::Stdout, "a s3cret-"),
        output(1, Which::Stderr, "s3c"),
        output(2, Which::Stdout, "value"),
        output(1, Which::Stdout, "value b"),
        Event::Ended { id: 1, end: End::Exit(0), step: 0, cpu_ms: 0, peak_kib: 0 },
    ] {
        for event in events.pass(event) {
            seen.push(match event {
                Event::Output { id, stream, data: Data::Text(text) } => format!("{id} {stream:?} {text}"),
                other => format!("{other:?}").split(' ').next().unwrap().to_owned(),
            });
        }
    }
    assert_eq!(seen, ["1 Stdout a ", "2 Stdout value", "1 Stdout *** b", "1 Stderr s3c", "Ended"]);
}

#[test]
fn a_writer_masks_across_writes_and_loses_nothing() {
    let mut out = Vec::new();
    let mut writer = Writer::new(&hidden(&["s3cret-value"]), &mut out);
    for piece in ["a s3cret", "-val", "ue b\n", "s3cret"] {
        writer.write_all(piece.as_bytes()).unwrap();
        writer.flush().unwrap();
    }
    drop(writer);
    assert_eq!(String::from_utf8(out).unwrap(), "a *** b\ns3cret");
}
