//! Whether the log is as it was written.

use domain::{
    Result,
    access::{Action, Object, authorize},
    registry::{RegistryEvent, chain_input},
};
use sha2::{Digest, Sha256};

use super::Models;

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// What was found in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainReport {
    /// Rows that are right, from the first on.
    pub right: i64,
    /// The hash of the last of them, in hexadecimal digits: written down elsewhere, it shows later whether anything before was changed.
    pub head: String,
    pub broken: Option<BrokenRow>,
}

/// The first row that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRow {
    pub number: i64,
    pub why: BrokenWhy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokenWhy {
    /// A row before it is missing, or rows were put in another order.
    Missing,
    /// Its hash is not that of its text and of the row before.
    Hash,
    /// Its columns say something else than its text, or its text is none.
    Columns,
}

impl Models {
    /// Reads the whole log, and checks each row against the one before.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `Unavailable` when it cannot be read.
    pub async fn verify(&self) -> Result<ChainReport> {
        authorize(&self.actor, Action::ReadModels, Object::Any)?;
        let (mut last, mut hash) = (0_i64, [0_u8; 32]);
        loop {
            let rows = self.log().raw_events(last, PAGE).await?;
            if rows.is_empty() {
                // Rows at the end may have been taken away.
                let missing = self.log().last_event().await? > last;
                let broken = missing.then_some(BrokenRow { number: last + 1, why: BrokenWhy::Missing });
                return Ok(report(last, &hash, broken));
            }
            for row in rows {
                let broken = |why| Some(BrokenRow { number: row.number, why });
                if row.number != last + 1 {
                    return Ok(report(last, &hash, broken(BrokenWhy::Missing)));
                }
                let expected: [u8; 32] = Sha256::digest(chain_input(&hash, row.number, &row.body)).into();
                if row.hash != expected {
                    return Ok(report(last, &hash, broken(BrokenWhy::Hash)));
                }
                let told = serde_json::from_str::<RegistryEvent>(&row.body);
                if !told
                    .is_ok_and(|e| e.model.as_str() == row.model && e.at.0 == row.at && e.after.is_some() == row.moves)
                {
                    return Ok(report(last, &hash, broken(BrokenWhy::Columns)));
                }
                (last, hash) = (row.number, expected);
            }
        }
    }
}

impl BrokenWhy {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Hash => "hash",
            Self::Columns => "columns",
        }
    }
}

fn report(right: i64, hash: &[u8; 32], broken: Option<BrokenRow>) -> ChainReport {
    ChainReport { right, head: hash.iter().map(|b| format!("{b:02x}")).collect(), broken }
}
