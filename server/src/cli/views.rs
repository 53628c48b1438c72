//! `guardianflow views`: saved views, for the operator or in the name of whoever has a token.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use domain::{Error, Result, access::Actor, normalization::nfc, ports::CreateOutcome, saved_view::ViewId};

use super::{
    output::{Align, Format, OutputTable, print},
    tokens::token_name,
};
use crate::{
    config::Settings,
    http::views::{row, views_of},
    startup,
};

#[derive(Debug, Subcommand)]
pub enum Views {
    /// List shared views and one's own
    #[command(after_help = "Example:\n  guardianflow views list --as kim --json")]
    List(List),
    /// Save the address of a page under a name
    #[command(after_help = "\
Examples:
  guardianflow views add \"Morning round\" \"/?days=1\" --shared
  guardianflow views add Busan \"/trends?customer=acme&metric=mAP50&from=now-30d\" --as kim")]
    Add(Add),
    /// Give a view another name
    #[command(after_help = "Example:\n  guardianflow views rename 3 \"Evening round\"")]
    Rename(Rename),
    /// Show a view to everybody
    #[command(after_help = "Example:\n  guardianflow views share 3")]
    Share(One),
    /// Show a view to its owner alone
    #[command(after_help = "Example:\n  guardianflow views unshare 3")]
    Unshare(One),
    /// Start with a view, or without one with the overview
    #[command(after_help = "Examples:\n  guardianflow views start 3 --as kim\n  guardianflow views start --as kim")]
    Start(Start),
    /// Delete a view
    #[command(after_help = "Example:\n  guardianflow views delete 3")]
    Delete(One),
}

#[derive(Debug, Args)]
pub struct Owner {
    /// Whose views: the name of a token; without it the operator's
    #[arg(long = "as", value_name = "NAME")]
    owner: Option<String>,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Add {
    name: String,
    /// The address of a page without its host, such as /trends?metric=mAP50
    link: String,
    /// Show it to everybody
    #[arg(long)]
    shared: bool,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Rename {
    /// The number in the list
    id: i64,
    name: String,
    #[command(flatten)]
    owner: Owner,
}

#[derive(Debug, Args)]
pub struct Start {
    /// The number in the list
    id: Option<i64>,
    #[command(flatten)]
    owner: Owner,
}

#[derive(Debug, Args)]
pub struct One {
    /// The number in the list
    id: i64,
    #[command(flatten)]
    owner: Owner,
}

impl Owner {
    /// The views, as the owner sees them: whoever may write to the data folder acts for anybody, and may do what they may.
    async fn views(&self, services: &startup::AppServices) -> Result<usecases::Views> {
        let name = self.owner.as_deref().map(token_name).transpose()?;
        let Some(name) = name else { return Ok(services.views.clone()) };
        let tokens = services.access.list().await?;
        // The live one, else the last.
        let named = tokens.iter().filter(|t| t.name == name).max_by_key(|t| t.revoked.is_none());
        let Some(role) = named.map(|t| t.role) else {
            return Err(Error::not_found(domain::error::Sentence::only_english(format!(
                "no token is, or was, called “{name}”"
            ))));
        };
        Ok(services.views.for_actor(&Actor::Named { name, role }))
    }
}

impl Views {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        startup::with(settings, async |services| self.run_with(services).await).await
    }

    async fn run_with(&self, services: &startup::AppServices) -> Result<ExitCode> {
        match self {
            Self::List(l) => {
                let list = views_of(&l.owner.views(services).await?).await?;
                let cells = list.views.iter().map(|v| {
                    let start = if list.start_page == Some(v.id) { "start page" } else { "" };
                    let shared = if v.shared { "shared" } else { "" };
                    let (name, link) = (v.name.as_str().to_owned(), v.link.as_str().to_owned());
                    vec![v.id.0.to_string(), name, link, shared.to_owned(), v.owner.clone(), start.to_owned()]
                });
                let mut head = vec![("id", Align::Right)];
                head.extend(["name", "link", "shared", "owner", "start"].map(|h| (h, Align::Left)));
                l.format.print(&list, &OutputTable { rows: cells.collect(), head })?;
            }
            Self::Add(a) => {
                let views = a.owner.views(services).await?;
                match views.create(&composed(&a.name), &a.link, a.shared, None).await? {
                    CreateOutcome::New(view) | CreateOutcome::Again(view) => {
                        let cells = vec![vec![view.id.0.to_string(), view.name.as_str().to_owned()]];
                        let rows = OutputTable { rows: cells, head: vec![("id", Align::Right), ("name", Align::Left)] };
                        a.format.print(&row(&views, view), &rows)?;
                    }
                    CreateOutcome::OtherRequest | CreateOutcome::NameTaken | CreateOutcome::TooMany => {
                        return Err(Error::internal(domain::error::Sentence::only_english("the view was not kept")));
                    }
                }
            }
            Self::Rename(r) => {
                let views = r.owner.views(services).await?;
                views.change(ViewId(r.id), Some(&composed(&r.name)), None).await?;
                print("renamed")?;
            }
            Self::Share(o) => {
                o.owner.views(services).await?.change(ViewId(o.id), None, Some(true)).await?;
                print("shared")?;
            }
            Self::Unshare(o) => {
                o.owner.views(services).await?.change(ViewId(o.id), None, Some(false)).await?;
                print("no longer shared")?;
            }
            Self::Start(s) => {
                s.owner.views(services).await?.set_start(s.id.map(ViewId)).await?;
                print("chosen")?;
            }
            Self::Delete(d) => {
                d.owner.views(services).await?.delete(ViewId(d.id)).await?;
                print("deleted")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A name in its one spelling.
fn composed(name: &str) -> String {
    nfc(name).unwrap_or_else(|| name.to_owned())
}
