//! A file server on this machine, for what dwf downloads.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is served under a path.
#[derive(Debug, Clone)]
pub enum Page {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Another address.
    Elsewhere(String),
    /// The first half of these bytes, and then the end.
    Torn(Vec<u8>),
    /// The first half of these bytes, and then nothing for a minute.
    Silent(Vec<u8>),
}

/// A server that runs until the test ends.
#[derive(Debug)]
pub struct Server {
    address: String,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one, with nothing to give.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("its number"));
        let server = Self { address, pages: Arc::default(), asked: Arc::default() };
        let (pages, asked) = (Arc::clone(&server.pages), Arc::clone(&server.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pages, asked) = (Arc::clone(&pages), Arc::clone(&asked));
                // A client that went away is no fault of the server.
                std::thread::spawn(move || answer(stream, &pages, &asked));
            }
        });
        server
    }

    /// Serves a page from now on; gives its address.
    pub fn page(&self, path: &str, page: Page) -> String {
        self.pages.lock().expect("the pages").insert(path.to_owned(), page);
        format!("{}{path}", self.address)
    }

    /// Its own address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The paths that were asked for, in order, since this was last looked at.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("the paths"))
    }
}

fn answer(
    mut stream: TcpStream,
    pages: &Mutex<BTreeMap<String, Page>>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = pages.lock().expect("the pages").get(&path).cloned();
    asked.lock().expect("the paths").push(path);
    let head = |status: &str, more: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n")
    };
    let (head, body) = match page {
        None => (head("404 Not Found", "", 0), Vec::new()),
        Some(Page::Bytes(bytes)) => (head("200 OK", "", bytes.len()), bytes),
        Some(Page::Elsewhere(to)) => (head("302 Found", &format!("location: {to}\r\n"), 0), Vec::new()),
        Some(Page::Silent(bytes)) => {
            stream.write_all(head("200 OK", "", bytes.len()).as_bytes())?;
            stream.write_all(&bytes[..bytes.len() / 2])?;
            std::thread::sleep(std::time::Duration::from_secs(60));
            return Ok(());
        }
        Some(Page::Torn(bytes)) => (head("200 OK", "", bytes.len()), bytes[..bytes.len() / 2].to_owned()),
    };
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
