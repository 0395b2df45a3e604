//! Bringing the bytes of an extension here: from an address, a file, a folder, an archive.
//!
//! Invariant: what is expected is compared before it is opened, and everything happens in a stage
//! of the store, which goes away unless it is kept.

mod archive;
mod bring;
mod error;
mod http;
mod magic;

#[cfg(test)]
mod tests;

pub use bring::{Brought, From, Pins, Wanted, bring};
pub use error::FetchError;
pub use http::Http;

/// Does blocking work without making the runtime wait for it: who no longer wants the result drops it.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (give, take) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || give.send(work()));
    // It is gone only when the work panicked.
    take.await.ok()
}
