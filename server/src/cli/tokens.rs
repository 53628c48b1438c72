//! `guardianflow tokens`: who may sign in. Whoever may write to the data folder may give and take tokens.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use domain::{Result, access::Role, normalization::nfc, time::Millis, token::TokenName};

use super::output::{Align, Format, OutputTable, print};
use crate::{config::Settings, startup};

#[derive(Debug, Subcommand)]
pub enum Tokens {
    /// Make a token and print it, once: it cannot be shown again
    #[command(after_help = "\
From the first token on everybody signs in, on this machine too. A viewer reads everything and keeps views; an operator may do all.

Examples:
  guardianflow tokens add kim --role viewer
  guardianflow tokens add ci-runner --role operator --data data")]
    Add(Add),
    /// List tokens with their role and last use; the tokens themselves are not kept
    #[command(after_help = "Example:\n  guardianflow tokens list --json")]
    List(List),
    /// Revoke a token and end its sessions, within a second on every server
    #[command(
        after_help = "Revoking the last token lets nobody in without one.\n\nExample:\n  guardianflow tokens revoke kim"
    )]
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Add {
    /// Whose token it is: 1 to 64 characters; only one live token may have the name
    #[arg(value_name = "NAME")]
    name: String,
    /// viewer or operator
    #[arg(long, value_name = "ROLE")]
    role: String,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Revoke {
    #[arg(value_name = "NAME")]
    name: String,
}

/// The name of a token as somebody typed it.
pub fn token_name(text: &str) -> Result<TokenName> {
    TokenName::parse(nfc(text).as_deref().unwrap_or(text))
}

impl Tokens {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        match self {
            Self::Add(a) => {
                // Before a data folder is made.
                let (name, role) = (token_name(&a.name)?, Role::parse(&a.role)?);
                let token = startup::with(settings, async |s| s.access.add(&name, role).await).await?;
                print(&token)?;
            }
            Self::List(l) => l.run(settings).await?,
            Self::Revoke(r) => {
                let name = token_name(&r.name)?;
                startup::with(settings, async |s| s.access.revoke(&name).await).await?;
                print(&format!("{name} is revoked, and its sessions have ended"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(&self, settings: &Settings) -> Result<()> {
        // Inspection creates nothing.
        let tokens = if settings.data.is_empty() {
            vec![]
        } else {
            startup::with(settings, async |s| s.access.list().await).await?
        };
        let time = |t: Option<Millis>| t.map(|t| t.to_string()).unwrap_or_default();
        let rows = tokens.iter().map(|t| {
            let role = t.role.as_str().to_owned();
            vec![t.name.to_string(), role, t.created.to_string(), time(t.last_use), time(t.revoked)]
        });
        let head = ["name", "role", "created", "last_use", "revoked"].map(|h| (h, Align::Left)).to_vec();
        self.format.print(&tokens, &OutputTable { rows: rows.collect(), head })
    }
}
