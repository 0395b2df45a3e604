//! Downloading a file: bounded in time, in size and in the places it may be sent to.
//!
//! Invariant: what begins with https stays with https.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::error::FetchError;
use crate::files;
use crate::store::{self, MAX_BYTES};
use crate::world::World;

/// Bytes of a file of certificates.
const CERTIFICATES: u64 = 16 << 20;

/// Places that one download may be sent on to.
const REDIRECTS: u32 = 5;

/// How files are downloaded.
#[derive(Debug, Clone)]
pub struct Http {
    /// Until a server takes the call.
    pub connect: Duration,
    /// Until it says something, and between two pieces.
    pub silence: Duration,
    /// For all of it.
    pub whole: Duration,
    /// Bytes that a file may have.
    pub most: u64,
    /// A file of certificates to believe in the place of those that came with dwf.
    pub certificates: Option<PathBuf>,
}

impl Http {
    /// As a user's surroundings say.
    pub fn new(world: &World) -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            whole: Duration::from_secs(600),
            most: MAX_BYTES,
            certificates: world.var("SSL_CERT_FILE").map(PathBuf::from),
        }
    }

    /// Downloads a file; gives its size and hash.
    pub(super) fn get(&self, url: &str, to: &mut impl Write) -> Result<(u64, String), FetchError> {
        let failed = |reason: String, absent| FetchError::Http {
            url: url.to_owned(),
            reason: crate::error::printable(&reason, 200),
            absent,
        };
        let config = ureq::Agent::config_builder()
            .https_only(url.starts_with("https:"))
            .max_redirects(REDIRECTS)
            .timeout_connect(Some(self.connect))
            .timeout_recv_response(Some(self.silence))
            .timeout_per_read(Some(self.silence))
            .timeout_global(Some(self.whole))
            .user_agent(concat!("dwf/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(self.roots()?).build())
            .build();
        let response = config.new_agent().get(url).call().map_err(|error| match error {
            ureq::Error::StatusCode(status) => {
                failed(format!("the server answers {status}"), status == 404 || status == 410)
            }
            ureq::Error::RequireHttpsOnly(to) => failed(format!("it leads from https to {to}"), false),
            other => failed(other.to_string(), false),
        })?;
        let length = response.body().content_length();
        let too_large = || failed(format!("it has more than {} MiB", self.most >> 20), false);
        if length.is_some_and(|length| length > self.most) {
            return Err(too_large());
        }
        let got = store::copy(&mut response.into_body().into_reader(), to, self.most);
        let (count, hash) = got.map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => too_large(),
            _ => failed(error.to_string(), false),
        })?;
        match length {
            Some(length) if length != count => {
                Err(failed(format!("it broke off after {count} of {length} bytes"), false))
            }
            _ => Ok((count, hash)),
        }
    }

    fn roots(&self) -> Result<RootCerts, FetchError> {
        let Some(path) = &self.certificates else { return Ok(RootCerts::WebPki) };
        let wrong = || FetchError::Certificates { path: path.display().to_string() };
        let text = files::read(path, CERTIFICATES).map_err(|_| wrong())?;
        let items = parse_pem(&text).filter_map(Result::ok);
        let certificates: Vec<_> = items
            .filter_map(|item| match item {
                PemItem::Certificate(certificate) => Some(certificate),
                _ => None,
            })
            .collect();
        match certificates.is_empty() {
            true => Err(wrong()),
            false => Ok(RootCerts::new_with_certs(&certificates)),
        }
    }
}
