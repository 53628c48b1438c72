//! `guardianflow webhooks`: who is told of what happens to models, and what is on its way to them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use domain::{
    Result,
    normalization::nfc,
    ports::DeliveriesQuery,
    time::Millis,
    webhook::{DeliveryId, DeliveryState, WebhookId},
};
use serde_json::json;
use usecases::webhooks::{MAX_DELIVERIES, WebhookInput};

use super::output::{Align, Format, OutputTable, clipped, print, print_json};
use crate::{
    config::Settings,
    http::webhooks::{DeliveryRow, WebhookRow, tested},
    startup::{self, AppServices},
};

#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Webhooks with the state of their last delivery
    #[command(after_help = "Example:\n  guardianflow webhooks list --json")]
    List(List),
    /// Add a webhook and print its secret, once: it cannot be shown again
    #[command(after_help = "\
Messages are signed as Standard Webhooks has it. Private receivers need GF_EGRESS_ALLOW=host:port. A running server sends them.

Examples:
  guardianflow webhooks add https://hooks.example.com/models
  guardianflow webhooks add https://ci.example.com/hook --events promotion,rollback --model detector")]
    Add(Add),
    /// Remove a webhook with all that is on its way to it
    Remove(One),
    /// Pause a webhook: what happens meanwhile waits for it
    Pause(One),
    /// Let a webhook go on: what waits is sent
    Resume(One),
    /// Send a test at once and say what the receiver answered; exits with 1 when it was not delivered
    #[command(after_help = "Example:\n  guardianflow webhooks test 1")]
    Test(TestArgs),
    /// What is or was on its way, newest first
    #[command(after_help = "Example:\n  guardianflow webhooks deliveries --state dead")]
    Deliveries(Deliveries),
    /// Send a dead letter again, under the same id
    #[command(after_help = "Example:\n  guardianflow webhooks replay 12")]
    Replay(Replay),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Add {
    /// The address of the receiver
    url: String,
    /// request, approval, promotion, rollback, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "EVENTS")]
    events: Vec<String>,
    /// Only what happens to this model
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    /// A secret of yours, as whsec_… [default: we make one]; other users of the machine may see it in the list of processes
    #[arg(long, default_value = "", hide_default_value = true, value_name = "SECRET")]
    secret: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct One {
    /// The number in the list
    id: i64,
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// The number in the list
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Deliveries {
    /// pending, sent or dead
    #[arg(long)]
    state: Option<String>,
    /// Only those to this webhook
    #[arg(long, value_name = "ID")]
    webhook: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u16,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The number in the list of deliveries
    id: i64,
}

impl Webhooks {
    pub async fn run(&self, settings: &Settings) -> Result<ExitCode> {
        startup::with(settings, async |services| Box::pin(self.run_with(services)).await).await
    }

    async fn run_with(&self, services: &AppServices) -> Result<ExitCode> {
        let webhooks = &services.webhooks;
        match self {
            Self::List(l) => {
                let rows: Vec<_> = webhooks.list().await?.into_iter().map(WebhookRow::of).collect();
                l.format.print(&rows, &OutputTable { rows: rows.iter().map(cells).collect(), head: head() })?;
            }
            Self::Add(a) => return a.run(webhooks).await,
            Self::Remove(o) => {
                webhooks.remove(WebhookId(o.id)).await?;
                print("removed")?;
            }
            Self::Pause(o) => {
                webhooks.pause(WebhookId(o.id)).await?;
                print("paused: what happens meanwhile waits")?;
            }
            Self::Resume(o) => {
                webhooks.resume(WebhookId(o.id)).await?;
                print("resumed: a running server sends what waits")?;
            }
            Self::Test(t) => {
                let outcome = webhooks.test(WebhookId(t.id)).await?;
                if t.json {
                    print_json(&tested(&outcome))?;
                } else {
                    print(&outcome.sentence.en)?;
                }
                return Ok(if outcome.delivered { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Self::Deliveries(d) => d.run(webhooks).await?,
            Self::Replay(r) => {
                webhooks.replay(DeliveryId(r.id)).await?;
                print("due again: a running server sends it")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn head() -> Vec<(&'static str, Align)> {
    let mut head = vec![("id", Align::Right)];
    head.extend(["url", "events", "model", "state", "last"].map(|h| (h, Align::Left)));
    head.extend(["pending", "dead"].map(|h| (h, Align::Right)));
    head
}

fn cells(row: &WebhookRow) -> Vec<String> {
    let last = row.last_delivery.as_ref().map(|d| {
        let status = d.status.map(|s| format!(" {s}")).unwrap_or_default();
        format!("{} {}{status}", d.kind, d.state.as_str())
    });
    vec![
        row.id.0.to_string(),
        clipped(&row.url),
        row.events.join(","),
        row.model.as_ref().map_or_else(|| "all".to_owned(), |m| clipped(m.as_str())),
        row.paused.map_or_else(|| "on".to_owned(), |why| format!("paused ({})", why.as_str())),
        last.unwrap_or_default(),
        row.pending.to_string(),
        row.dead.to_string(),
    ]
}

impl Add {
    async fn run(&self, webhooks: &usecases::Webhooks) -> Result<ExitCode> {
        let input = WebhookInput {
            url: self.url.clone(),
            events: self.events.clone(),
            model: nfc(&self.model).unwrap_or_else(|| self.model.clone()),
            secret: self.secret.clone(),
        };
        let (seen, secret) = webhooks.add(&input).await?;
        let id = seen.webhook.id.0;
        if self.json {
            let mut row = json!(WebhookRow::of(seen));
            row["secret"] = secret.0.into();
            print_json(&row)?;
        } else {
            print(&format!("webhook {id}\n{}", secret.0))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Deliveries {
    async fn run(&self, webhooks: &usecases::Webhooks) -> Result<()> {
        let query = DeliveriesQuery {
            webhook: self.webhook.map(WebhookId),
            state: self.state.as_deref().map(DeliveryState::parse).transpose()?,
            before: None,
            most: usize::from(self.limit).clamp(1, MAX_DELIVERIES),
        };
        let rows: Vec<_> = webhooks.deliveries(&query).await?.into_iter().map(DeliveryRow::of).collect();
        let time = |t: Option<Millis>| t.map(|t| t.to_string()).unwrap_or_default();
        let cells = rows.iter().map(|d| {
            vec![
                d.id.0.to_string(),
                d.webhook.0.to_string(),
                d.kind.clone(),
                clipped(d.model.as_str()),
                d.state.as_str().to_owned(),
                d.attempts.to_string(),
                d.created.to_string(),
                time(d.due),
                d.error.clone().or_else(|| d.status.map(|s| s.to_string())).unwrap_or_default(),
            ]
        });
        let mut head = vec![("id", Align::Right), ("webhook", Align::Right)];
        head.extend(["type", "model", "state"].map(|h| (h, Align::Left)));
        head.push(("attempts", Align::Right));
        head.extend(["created", "next try", "answer"].map(|h| (h, Align::Left)));
        self.format.print(&rows, &OutputTable { rows: cells.collect(), head })
    }
}
