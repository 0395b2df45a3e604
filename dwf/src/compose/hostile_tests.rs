//! Whatever an extension says is the word it stands for, or an error; never a line of its own.

use devflow_protocol::message::{Copy, ImageOption, ImageStep};

use super::tests::{asks, composed, on_debian, packages, refused, words};
use super::*;

/// What breaks out of something, somewhere.
const PIECES: [&str; 24] = [
    "\"",
    "'",
    "\\",
    "$",
    "${PATH}",
    "$(id)",
    "`id`",
    "\n",
    "\r",
    "\t",
    "\nRUN id",
    "\\\n",
    " ",
    "]",
    "[\"",
    "<<EOF",
    "#",
    "--mount=type=bind",
    "&&",
    ";",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{1f600}",
];

/// Every piece, and each two of them, around ordinary letters.
fn hostile() -> impl Iterator<Item = String> {
    let pairs = PIECES.iter().flat_map(|one| PIECES.iter().map(move |other| format!("a{one}{other}")));
    let ends =
        PIECES.iter().flat_map(|piece| [(*piece).to_owned(), format!("{piece}z"), format!("a{piece}z")]);
    pairs.chain(ends)
}

fn compose_one(option: ImageOption) -> Result<String, ComposeError> {
    let described = [on_debian("x", option)];
    let section = ImageSection::default();
    let composed = compose(&Wishes { described: &described, section: &section, pinned: &|_| None })?;
    Ok(composed.expect("something to compose").text)
}

/// The instructions, each a line; as a builder joins them.
fn instructions(text: &str) -> Vec<String> {
    let joined = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).fold(
        vec![String::new()],
        |mut lines, line| {
            let last = lines.last_mut().unwrap();
            match line.trim_end().strip_suffix('\\') {
                Some(open) => last.push_str(open),
                None => {
                    last.push_str(line);
                    lines.push(String::new());
                }
            }
            lines
        },
    );
    joined.into_iter().filter(|line| !line.is_empty()).collect()
}

/// The one instruction that an option adds to that of an empty one.
fn added(option: ImageOption) -> Result<String, ComposeError> {
    let plain = instructions(&compose_one(packages(&[]))?);
    let mut all = instructions(&compose_one(option)?);
    assert_eq!(all.len(), plain.len() + 1, "{all:#?}");
    all.retain(|line| !plain.contains(line));
    assert_eq!(all.len(), 1, "{all:#?}");
    Ok(all.remove(0))
}

fn list(text: &str) -> Vec<String> {
    assert!(text.is_ascii(), "{text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_is_run_is_what_was_said() {
    for word in hostile() {
        let run = vec![word.clone(), String::new(), word.clone()];
        let step = ImageStep { run: run.clone(), user: Some("root".to_owned()) };
        let line = added(ImageOption { steps: vec![step], ..packages(&[]) }).unwrap();
        assert_eq!(list(line.strip_prefix("RUN ").unwrap()), run);
        let line = added(ImageOption { probe: vec![run.clone()], ..packages(&[]) }).unwrap();
        assert_eq!(list(line.strip_prefix("RUN ").unwrap()), run);
        let link = [word.clone(), "/usr/local/bin/x".to_owned()];
        let line = added(ImageOption { links: vec![link], ..packages(&[]) }).unwrap();
        assert_eq!(list(line.strip_prefix("RUN ").unwrap())[3], word);
    }
}

/// Reads a quoted value as builders do: within double quotes a backslash takes the next sign for itself.
fn read(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    let (mut out, mut chars) = (String::new(), inner.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push(chars.next().filter(|next| "\"\\$".contains(*next)).expect("a sign that needs it"))
            }
            '"' | '$' => panic!("{quoted} ends early, or holds a variable"),
            _ => out.push(c),
        }
    }
    out
}

#[test]
fn a_variable_has_the_value_that_was_said() {
    for value in hostile() {
        let env = [("V".parse().unwrap(), value.clone())].into();
        match added(ImageOption { env, ..packages(&[]) }) {
            Ok(line) => assert_eq!(read(line.strip_prefix("ENV V=").unwrap()), value),
            Err(error) => {
                assert!(value.chars().any(char::is_control), "{value:?}: {error}");
                assert!(error.to_string().contains("control character"), "{error}");
            }
        }
    }
}

#[test]
fn places_and_names_are_plain_or_refused() {
    for text in hostile() {
        let path = format!("/opt/{text}");
        let copy = |from: &str, path: &str| vec![Copy { from: from.to_owned(), paths: words(&[path]) }];
        let file = format!("f{text}").parse::<RelPath>();
        let options = [
            ImageOption { copy: copy("x:1", &path), ..packages(&[]) },
            ImageOption { copy: copy(&format!("x:{text}"), "/opt/x"), ..packages(&[]) },
            ImageOption { links: vec![["x".to_owned(), path.clone()]], ..packages(&[]) },
            ImageOption { path: vec![path.clone()], ..packages(&[]) },
            ImageOption { packages: words(&[&text]), ..packages(&[]) },
            ImageOption { packages: words(&[&format!("p={text}")]), ..packages(&[]) },
            ImageOption { files: file.into_iter().collect(), ..packages(&[]) },
        ];
        for option in options {
            match compose_one(option.clone()) {
                // In a list or between quotes these are like letters to any builder.
                Ok(made) => {
                    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || " -=".contains(c));
                    assert!(plain || option.files.is_empty() && option == packages(&[]), "{text:?}\n{made}");
                }
                Err(error) => assert!(matches!(error, ComposeError::Answer { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn what_is_no_word_of_the_protocol() {
    let step = |run: &[&str], user: &str| ImageStep { run: words(run), user: Some(user.to_owned()) };
    let env = |name: &str| [(name.parse().unwrap(), String::new())].into();
    let copy = |from: &str, path: &str| vec![Copy { from: from.to_owned(), paths: words(&[path]) }];
    let plain = || packages(&[]);
    let cases = [
        (ImageOption { source: "else".to_owned(), ..plain() }, "\"else\" is no source"),
        (ImageOption { packages: words(&["tini-"]), ..plain() }, "\"tini-\" is no package"),
        (ImageOption { packages: words(&["--purge"]), ..plain() }, "is no package"),
        (ImageOption { packages: words(&[""]), ..plain() }, "is no package"),
        (ImageOption { packages: words(&["P"]), ..plain() }, "is no package"),
        (ImageOption { packages: words(&["p=-1"]), ..plain() }, "is no package"),
        (ImageOption { copy: copy("scratch", "/x"), ..plain() }, "has neither tag nor digest"),
        (ImageOption { copy: copy("from-x-1", "/x"), ..plain() }, "has neither tag nor digest"),
        (ImageOption { copy: copy("--platform=x", "/x"), ..plain() }, "is not the name of an image"),
        (ImageOption { copy: copy("x:1", "/"), ..plain() }, "is no place"),
        (ImageOption { copy: copy("x:1", "x"), ..plain() }, "is no place"),
        (ImageOption { copy: copy("x:1", "/x/../etc"), ..plain() }, "is no place"),
        (ImageOption { copy: copy("x:1", "/proc/self"), ..plain() }, "is no place"),
        (ImageOption { path: words(&["/a:/b"]), ..plain() }, "is no place"),
        (ImageOption { path: words(&["bin"]), ..plain() }, "is no place"),
        (ImageOption { links: vec![["".to_owned(), "/x".to_owned()]], ..plain() }, "leads nowhere"),
        (ImageOption { files: vec![RelPath::here()], ..plain() }, "cannot be copied"),
        (ImageOption { steps: vec![step(&[], "root")], ..plain() }, "has no program"),
        (ImageOption { steps: vec![step(&[""], "root")], ..plain() }, "is empty"),
        (ImageOption { steps: vec![step(&["a\0"], "root")], ..plain() }, "holds a NUL"),
        (ImageOption { steps: vec![step(&["a"], "0\nRUN id")], ..plain() }, "is no user"),
        (ImageOption { probe: vec![words(&[])], ..plain() }, "has no program"),
        (ImageOption { env: env("LD_PRELOAD"), ..plain() }, "not an extension's to set"),
        (ImageOption { env: env("PATH"), ..plain() }, "not an extension's to set"),
    ];
    for (option, reason) in cases {
        let error = refused(&[on_debian("x", option)]);
        assert!(error.starts_with("what stack x says of its image cannot be used: "), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    for base in ["debian", "debian:bookworm AS x", "debian:bookworm\nRUN id", "$BASE", ""] {
        let error = refused(&[asks("x", ".", &[base], vec![plain()])]);
        assert!(error.contains("is no base image"), "{error}");
    }
    assert!(refused(&[asks("x", ".", &[], vec![plain()])]).contains("fits no base image at all"));
    // An extension names a kind of base, never where it comes from.
    let text = composed(&[asks("x", ".", &["evil.example/debian:bookworm"], vec![plain()])]).text;
    assert!(
        text.contains("\nFROM docker.io/library/debian:bookworm-slim\n") && !text.contains("evil"),
        "{text}"
    );
}
