//! The client against real extensions: the examples, and the SDK in a thread.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]
#![cfg(all(feature = "client", feature = "sdk"))]

#[allow(dead_code, reason = "each test needs a part of it")]
mod support;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use devflow_protocol::client::{Client, ClientError, Limits};
use devflow_protocol::message::{
    Action, DescribeParams, DescribeResult, InitializeParams, Party, Platform, Project, Resolution,
    ResolveParams, Step,
};
use devflow_protocol::sdk::{self, Extension, Failure};
use devflow_protocol::{COOKIE, PROTOCOLS, code};
use support::{command, examples, extension};
use tokio::process::Child;

fn start(program: &Path) -> (Client, Child) {
    let mut child = extension(program).spawn().unwrap();
    let client = Client::start(child.stdin.take().unwrap(), child.stdout.take().unwrap(), Limits::default());
    (client, child)
}

fn hello(protocols: &[u32]) -> InitializeParams {
    let host = Party { name: "dwf".to_owned(), version: "0.1.0".to_owned() };
    InitializeParams { protocols: protocols.to_vec(), host, features: vec!["log".to_owned()] }
}

fn describe(root: &Path, dir: &str) -> DescribeParams {
    let project =
        Project { root: root.to_str().unwrap().to_owned(), dir: dir.parse().unwrap(), name: "p".to_owned() };
    let platform = Platform { os: "linux".to_owned(), arch: "x86_64".to_owned() };
    DescribeParams { project, platform, config: Default::default() }
}

fn resolve(root: &Path, command: &str, args: &[&str]) -> ResolveParams {
    let DescribeParams { project, platform, config } = describe(root, ".");
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    ResolveParams { command: command.parse().unwrap(), args, project, platform, config }
}

#[tokio::test]
async fn the_examples_speak_the_protocol() {
    let project = tempfile::tempdir().unwrap();
    let root = project.path();
    std::fs::create_dir_all(root.join("an ä $1/empty")).unwrap();
    std::fs::write(root.join("hello.txt"), "Hello\n").unwrap();
    std::fs::write(root.join("an ä $1/hello.txt"), "Hello\n").unwrap();
    for (name, program) in examples() {
        let (client, mut child) = start(&program);
        let answer = client.initialize(hello(PROTOCOLS)).await.unwrap();
        assert_eq!((answer.protocol, answer.extension.name.as_str()), (1, name));

        let there = client.describe(describe(root, ".")).await.unwrap();
        let commands: Vec<_> = there.commands.iter().map(|command| command.name.as_str()).collect();
        assert_eq!((there.applies, commands), (true, vec!["test:unit", "lint:static"]), "{name}");
        assert!(client.describe(describe(root, "an ä $1")).await.unwrap().applies, "{name}");
        let absent = client.describe(describe(root, "an ä $1/empty")).await.unwrap();
        assert_eq!((absent.applies, absent.because), (false, vec!["no hello.txt".to_owned()]), "{name}");
        assert_eq!(there.reads, absent.reads);

        let (test, lint, unknown) = tokio::join!(
            client.resolve(resolve(root, "test:unit", &["$HOME", "a b"])),
            client.resolve(resolve(root, "lint:static", &[])),
            client.resolve(resolve(root, "build:debug", &[])),
        );
        let step = Step::literal("cat", ["hello.txt", "$HOME", "a b"]);
        assert_eq!(test.unwrap(), Resolution::Action(Action::of([step])), "{name}");
        let step = Step::literal("grep", ["-i", "hello", "hello.txt"]);
        assert_eq!(lint.unwrap(), Resolution::Action(Action::of([step])), "{name}");
        let Err(ClientError::Answer { code: code::UNKNOWN_COMMAND, data, .. }) = unknown else {
            panic!("{name}: {unknown:?}")
        };
        assert_eq!(data.known.len(), 2, "{name}");
        let unknown = client.call("fs/read", &()).await;
        assert!(
            matches!(unknown, Err(ClientError::Answer { code: code::METHOD_NOT_FOUND, .. })),
            "{unknown:?}"
        );

        client.close();
        let status = tokio::time::timeout(Duration::from_secs(10), child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{name}: {status}");
    }
}

#[tokio::test]
async fn the_examples_refuse_other_versions_and_other_callers() {
    for (name, program) in examples() {
        let (client, _child) = start(&program);
        let wanted = ClientError::Version { host: vec![7], extension: vec![1] };
        assert_eq!(client.initialize(hello(&[7])).await, Err(wanted), "{name}");

        for (cookie, arguments) in [(false, &["--stdio"][..]), (true, &[])] {
            let mut command = command(&program);
            command.args(arguments);
            if cookie {
                command.env(COOKIE, "1");
            }
            let output = command.output().await.unwrap();
            assert_eq!(output.status.code(), Some(64), "{name}");
            assert!(output.stdout.is_empty(), "{name}");
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.starts_with(&format!("devflow-ext-{name} ")), "{said}");
        }
    }
}

/// Prints where it must not, and panics where it likes.
struct Rude;

impl Extension for Rude {
    fn name(&self) -> &str {
        "rude"
    }

    fn version(&self) -> &str {
        "0"
    }

    fn describe(&self, request: &DescribeParams) -> Result<DescribeResult, Failure> {
        let because = vec!["é\u{2028}\n\u{1b}".to_owned(), request.project.name.clone()];
        Ok(DescribeResult { applies: true, because, ..Default::default() })
    }

    fn resolve(&self, request: &ResolveParams) -> Result<Resolution, Failure> {
        match request.args.len() {
            0 => panic!("no arguments"),
            1 => Err(Failure::invalid_project("a\u{7}", None, "x".repeat(5000))),
            _ => Ok(Resolution::skip("y".repeat(2 << 20))),
        }
    }
}

#[tokio::test]
async fn the_sdk_and_the_client_understand_each_other() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = std::thread::spawn(move || {
        let reader = std::io::BufReader::new(theirs.try_clone().unwrap());
        sdk::serve(Rude, reader, theirs)
    });
    ours.set_nonblocking(true).unwrap();
    let (stdout, stdin) = tokio::net::UnixStream::from_std(ours).unwrap().into_split();
    let client = Client::start(stdin, stdout, Limits::default());
    let root = Path::new("/w");
    assert_eq!(client.initialize(hello(&[1, 2])).await.unwrap().protocol, 1);
    let answer = client.describe(describe(root, ".")).await.unwrap();
    assert_eq!(answer.because, ["é\u{2028}\n\u{1b}", "p"]);
    let error = client.resolve(resolve(root, "a:b", &[])).await.unwrap_err();
    assert_eq!(error.to_string(), "a bug in this extension: no arguments (code -32603)");
    let error = client.resolve(resolve(root, "a:b", &["1"])).await.unwrap_err().to_string();
    assert!(error.starts_with("a\\u{7}: xxx") && error.ends_with("x… (code 2002)") && error.len() < 1100);
    let error = client.resolve(resolve(root, "a:b", &["1", "2"])).await.unwrap_err().to_string();
    assert!(error.contains("more than the limit"), "{error}");
    let asking = (0..200).map(|n| {
        let mut params = describe(root, ".");
        params.project.name = n.to_string();
        let client = &client;
        async move { assert_eq!(client.describe(params).await.unwrap().because[1], n.to_string()) }
    });
    for ask in asking {
        ask.await;
    }
    drop(client);
    // Not on this thread: it is the runtime's, which has yet to drop the pipe.
    let outcome = tokio::task::spawn_blocking(|| server.join().unwrap());
    assert!(outcome.await.unwrap().is_ok());
}
