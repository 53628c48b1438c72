//! What the product remembers besides records: the lake's manifest, the ledger of sources and how far watched files were
//! taken, in one database: so that publishing files, counting and moving on is one transaction. A module and a folder of
//! migrations a database.

mod sqlite;

pub use sqlite::SqliteStore;
