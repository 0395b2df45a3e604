//! What an engine's client says when a registry does not do what it should.
//!
//! Invariant: only the reason is told apart; the words themselves stay with whoever asked.

use std::fmt;

/// Why nothing came from a registry, or went to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It wants other credentials; some say so of what is not there, too.
    Denied,
    /// It has no such image.
    Missing,
    /// It does not answer.
    Unreachable,
    /// It has it for other processors only.
    Platform,
    /// What it sends is not what its digest says.
    Corrupt,
    /// The machine's disk is full.
    NoSpace,
    /// Anything else.
    Other,
}

/// Phrases of the clients, in small letters. Earlier rows are more certain than later ones.
const PHRASES: [(Trouble, &[&str]); 6] = [
    (Trouble::NoSpace, &["no space left on device"]),
    (
        Trouble::Corrupt,
        &[
            "verification failed for digest",
            "digest did not match",
            "digests did not match",
            "unexpected digest",
            "does not match digest",
        ],
    ),
    (
        Trouble::Platform,
        &["no matching manifest", "no image found in manifest list", "no image found in image index"],
    ),
    (
        Trouble::Missing,
        &[
            "manifest unknown",
            "manifest_unknown",
            "name unknown",
            "name_unknown",
            "repository name not known",
            "not found",
        ],
    ),
    (
        Trouble::Denied,
        &["denied", "unauthorized", "no basic auth credentials", "authentication required", "forbidden"],
    ),
    (
        Trouble::Unreachable,
        &[
            "connection refused",
            "connection reset",
            "no such host",
            "i/o timeout",
            "timeout exceeded",
            "deadline exceeded",
            "handshake timeout",
            "network is unreachable",
            "no route to host",
            "server gave http response",
            "eof",
            "broken pipe",
            "closed network connection",
            "closed idle connection",
            "temporary failure in name resolution",
        ],
    ),
];

/// What a client's words mean.
#[must_use]
pub fn trouble(stderr: &str) -> Trouble {
    let stderr = stderr.to_lowercase();
    // That is the engine's own socket.
    if stderr.contains("docker daemon") {
        return Trouble::Other;
    }
    let row = PHRASES.iter().find(|(_, phrases)| phrases.iter().any(|phrase| stderr.contains(phrase)));
    row.map_or(Trouble::Other, |(trouble, _)| *trouble)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "the registry denies access",
            Self::Missing => "the registry does not have it",
            Self::Unreachable => "the registry cannot be reached",
            Self::Platform => "the registry has it for other processors only",
            Self::Corrupt => "the registry sends something else than the digest says",
            Self::NoSpace => "the disk is full",
            Self::Other => "the engine failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Trouble, trouble};

    #[test]
    fn words_of_clients() {
        for (words, expected) in [
            (
                "Error response from daemon: manifest for h/x:1 not found: manifest unknown: manifest unknown",
                Trouble::Missing,
            ),
            (
                "Error: initializing source docker://h/x:1: reading manifest 1 in h/x: manifest unknown: manifest unknown",
                Trouble::Missing,
            ),
            (
                "Error response from daemon: Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                Trouble::Unreachable,
            ),
            ("dial tcp: lookup nowhere.invalid on 1.1.1.1:53: no such host", Trouble::Unreachable),
            (
                "Error response from daemon: Get \"http://h/v2/\": http: server gave HTTP response to HTTPS client",
                Trouble::Unreachable,
            ),
            (
                "Get \"https://h/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
                Trouble::Unreachable,
            ),
            (
                "Error response from daemon: Head \"http://h/v2/x/manifests/1\": no basic auth credentials",
                Trouble::Denied,
            ),
            (
                "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
                Trouble::Denied,
            ),
            (
                "Error: initializing source docker://h/x:1: reading manifest 1 in h/x: unauthorized: authentication required",
                Trouble::Denied,
            ),
            ("filesystem layer verification failed for digest sha256:00", Trouble::Corrupt),
            ("Digest did not match, expected sha256:00, got sha256:11", Trouble::Corrupt),
            ("write /var/lib/x: no space left on device", Trouble::NoSpace),
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
                Trouble::Other,
            ),
            ("", Trouble::Other),
        ] {
            assert_eq!(trouble(words), expected, "{words}");
        }
    }
}
