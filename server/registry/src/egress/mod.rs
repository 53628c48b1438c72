//! The one way out: every request to another machine is made by a client that is built here.
