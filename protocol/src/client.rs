//! The host's client.
