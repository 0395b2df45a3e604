//! End-to-end tests of dwf against real engines.
