//! Whole conversations, as `golden/*.jsonl` keeps them: every line fits the schema, the extensions
//! say their part, and the client understands it.
//!
//! A line is `{"extension":NAME,"to":"extension"|"host","message":…}`, or has `line`, a text, where
//! what was said is no JSON object. `hello` are the examples, in every language; `sample` is the SDK
//! with answers that use every member; `scripted` is nobody, and there for the client.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of this is a test")]

#[allow(dead_code, reason = "each test needs a part of it")]
mod support;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devflow_protocol::client::{Client, ClientError, Limits, LogEvent};
use devflow_protocol::message::{
    DescribeParams, DescribeResult, ErrorObject, InitializeResult, Resolution, ResolveParams,
};
use devflow_protocol::schema::Definition;
use devflow_protocol::sdk::{self, Extension, Failure};
use devflow_protocol::{code, excerpt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::{Judge, examples, rust_example, talk};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// The folder of the transcripts; `/golden` in them.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

struct Transcript {
    name: String,
    extension: String,
    lines: Vec<Line>,
}

struct Line {
    to_extension: bool,
    text: String,
    /// `null` where the text is no message.
    message: Value,
}

impl Line {
    fn is_message(&self) -> bool {
        !self.message.is_null()
    }
}

fn transcripts() -> Vec<Transcript> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    assert!(files.len() >= 11, "only {} transcripts", files.len());
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Transcript {
    let mut transcript =
        Transcript { name: file.display().to_string(), extension: String::new(), lines: Vec::new() };
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        transcript.extension = line["extension"].as_str().unwrap().to_owned();
        let message = line["message"].clone();
        let text = line["line"].as_str().map_or_else(|| message.to_string(), str::to_owned);
        let to_extension = match line["to"].as_str() {
            Some("extension") => true,
            Some("host") => false,
            _ => panic!("{}: to whom? {line}", transcript.name),
        };
        transcript.lines.push(Line { to_extension, text, message });
    }
    transcript
}

impl Transcript {
    fn to_extension(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.to_extension)
    }

    /// What the extension says.
    fn to_host(&self) -> Vec<Value> {
        self.lines.iter().filter(|line| !line.to_extension).map(|line| line.message.clone()).collect()
    }

    /// What the host says, about a project that is there.
    fn input(&self) -> String {
        let root = json!(folder()).as_str().unwrap().to_owned();
        self.to_extension()
            .map(|line| line.text.replace("\"/golden/", &format!("\"{root}/")) + "\n")
            .collect()
    }

    /// The code of the error that answers the request with an id.
    fn code(&self, id: &Value) -> Option<i32> {
        let answer = self.to_host().into_iter().find(|answer| answer["id"] == *id)?;
        answer["error"]["code"].as_i64()?.try_into().ok()
    }

    /// The method that was asked for with an id.
    fn method(&self, id: &Value) -> &str {
        let request = self.to_extension().find(|line| line.message["id"] == *id);
        request.and_then(|line| line.message["method"].as_str()).unwrap_or_default()
    }
}

#[test]
fn every_line_fits_the_schema() {
    for transcript in transcripts() {
        let mut judge = Judge::new();
        for Line { to_extension, message, .. } in transcript.lines.iter().filter(|line| line.is_message()) {
            let code = transcript.code(&message["id"]);
            match to_extension {
                _ if code == Some(code::INVALID_REQUEST) => {}
                true if code == Some(code::INVALID_PARAMS) => {
                    assert!(!judge.fits(Definition::HostMessage, message), "{message} is a good request");
                    judge.ask(message);
                }
                true => judge.host_says(message),
                false => judge.extension_says(message),
            }
        }
        assert!(judge.is_done(), "{} leaves a request without an answer", transcript.name);
    }
}

#[test]
fn they_leave_nothing_out() {
    let said: Vec<Value> = transcripts().iter().flat_map(Transcript::to_host).collect();
    let codes: BTreeSet<i64> = said.iter().filter_map(|message| message["error"]["code"].as_i64()).collect();
    for (code, name, _) in code::NAMED {
        assert!(codes.contains(&i64::from(*code)), "no {name}");
    }
    assert!(codes.iter().any(|code| *code >= i64::from(code::OWN)), "no code of an extension's own");
    for member in ["/result/skip", "/result/action", "/result/alternatives", "/result/image"] {
        assert!(said.iter().any(|message| message.pointer(member).is_some()), "no {member}");
    }
    for level in ["debug", "info", "warn", "error"] {
        assert!(said.iter().any(|message| message["params"]["level"] == level), "no {level}");
    }
}

#[tokio::test]
async fn the_example_in_rust_says_its_part_to_the_letter() {
    for transcript in transcripts().iter().filter(|transcript| transcript.extension == "hello") {
        let (answers, status) = talk(&rust_example(), &transcript.input()).await;
        assert_eq!(answers, transcript.to_host(), "{}", transcript.name);
        assert!(status.success());
    }
}

#[tokio::test]
async fn the_examples_mean_the_same_in_every_language() {
    for transcript in transcripts().iter().filter(|transcript| transcript.extension == "hello") {
        let wanted: Vec<Value> =
            transcript.to_host().into_iter().map(|answer| plain(answer, transcript)).collect();
        for (name, program) in examples() {
            let (answers, status) = talk(&program, &transcript.input()).await;
            let answers: Vec<Value> = answers.into_iter().map(|answer| plain(answer, transcript)).collect();
            assert_eq!(answers, wanted, "{name}: {}", transcript.name);
            assert!(status.success(), "{name}");
        }
    }
}

/// An answer without what is each extension's own: its name, its words, and how it says a default.
fn plain(mut answer: Value, transcript: &Transcript) -> Value {
    fn through<T: DeserializeOwned + Serialize>(result: &mut Value) {
        let value: T = serde_json::from_value(result.take()).unwrap();
        *result = serde_json::to_value(value).unwrap();
    }
    let method = transcript.method(&answer["id"]).to_owned();
    if let Some(error) = answer.get_mut("error") {
        through::<ErrorObject>(error);
        error["message"] = Value::Null;
    } else {
        let result = &mut answer["result"];
        match Definition::result(&method) {
            Some(Definition::InitializeResult) => {
                through::<InitializeResult>(result);
                result["extension"]["name"] = json!("hello");
            }
            Some(Definition::DescribeResult) => through::<DescribeResult>(result),
            _ => through::<Resolution>(result),
        }
    }
    answer
}

/// Says what a transcript has for an answer, through the types of the SDK.
struct Sample(Mutex<VecDeque<Value>>);

impl Sample {
    fn next<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let answer = self.0.lock().unwrap().pop_front().expect("the transcript has an answer");
        let error = &answer["error"];
        if error["code"] == code::INTERNAL_ERROR {
            // The SDK makes this answer by itself.
            panic!("it panicked");
        }
        match answer.get("result") {
            Some(result) => Ok(serde_json::from_value(result.clone()).unwrap()),
            None => Err(Failure {
                code: i32::try_from(error["code"].as_i64().unwrap()).unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
                data: error["data"].as_object().cloned().unwrap_or_default(),
            }),
        }
    }
}

impl Extension for Sample {
    fn name(&self) -> &str {
        "sample"
    }

    fn version(&self) -> &str {
        "0.1.0"
    }

    fn describe(&self, _: &DescribeParams) -> Result<DescribeResult, Failure> {
        self.next()
    }

    fn resolve(&self, _: &ResolveParams) -> Result<Resolution, Failure> {
        self.next()
    }
}

#[test]
fn the_sdk_carries_every_answer_to_the_wire() {
    for transcript in transcripts().iter().filter(|transcript| transcript.extension == "sample") {
        let own = |answer: &Value| !["initialize", ""].contains(&transcript.method(&answer["id"]));
        let answers = transcript.to_host().into_iter().filter(own).collect();
        let mut out = Vec::new();
        sdk::serve(Sample(Mutex::new(answers)), transcript.input().as_bytes(), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let said: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(said, transcript.to_host(), "{}", transcript.name);
    }
}

#[tokio::test]
async fn the_client_understands_every_answer() {
    // The client sends no garbage, and would not live through the answer.
    for transcript in transcripts().iter().filter(|transcript| transcript.lines.iter().all(Line::is_message))
    {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (stdout, stdin) = tokio::io::split(ours);
        let client = Arc::new(Client::start(stdin, stdout, Limits::default()));
        let mut logs = client.logs();
        let (reader, mut writer) = tokio::io::split(theirs);
        let mut requests = BufReader::new(reader).lines();
        let mut ids = HashMap::new();
        let mut calls = Vec::new();
        for Line { to_extension, message, .. } in &transcript.lines {
            let id = &message["id"];
            match (to_extension, id.as_str()) {
                (true, Some(id)) => {
                    let (client, asked) = (Arc::clone(&client), message.clone());
                    let method = message["method"].as_str().unwrap_or_default().to_owned();
                    calls.push((
                        id.to_owned(),
                        tokio::spawn(async move { client.call(&method, &asked["params"]).await }),
                    ));
                    let sent = requests.next_line().await.unwrap().unwrap();
                    let sent: Value = serde_json::from_str(&sent).unwrap();
                    assert_eq!((&sent["method"], &sent["params"]), (&message["method"], &message["params"]));
                    ids.insert(id.to_owned(), sent["id"].clone());
                }
                // The client sends no notifications.
                (true, None) => {}
                (false, known) => {
                    let mut message = message.clone();
                    if let Some(known) = known {
                        message["id"] = ids[known].clone();
                    }
                    writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
                }
            }
        }
        for (id, call) in calls {
            let answer = transcript.to_host().into_iter().find(|answer| answer["id"] == *id).unwrap();
            match call.await.unwrap() {
                Ok(result) => {
                    let result: Value = serde_json::from_str(result.get()).unwrap();
                    assert_eq!(Some(&result), answer.get("result"), "{}", transcript.name);
                }
                Err(ClientError::Answer { code, message, data }) => {
                    let error: ErrorObject = serde_json::from_value(answer["error"].clone()).unwrap();
                    assert_eq!((code, message), (error.code, error.message), "{}", transcript.name);
                    let wanted = error.data.unwrap_or_default();
                    assert_eq!(
                        (data.line, data.help, data.supported),
                        (wanted.line, wanted.help, wanted.supported)
                    );
                    assert_eq!(data.file, wanted.file.map(String::from));
                    assert_eq!(data.known, wanted.known.into_iter().map(String::from).collect::<Vec<_>>());
                    assert_eq!(data.features, wanted.features);
                }
                Err(error) => panic!("{}: {error}", transcript.name),
            }
        }
        for wanted in transcript.to_host().iter().filter(|message| message["method"] == "log") {
            let event = tokio::time::timeout(Duration::from_secs(10), logs.next()).await.unwrap();
            let Some(LogEvent::Line(line)) = event else { panic!("{}: {event:?}", transcript.name) };
            assert_eq!(line.message, excerpt::message(wanted["params"]["message"].as_str().unwrap()));
        }
    }
}
