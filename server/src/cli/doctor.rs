//! `guardianflow doctor`: what is wrong with this installation, and the cure.

use std::{
    io::{IsTerminal, stdout},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use domain::{Error, Result};
use serde_json::json;

use super::output::print;
use crate::{
    config::Settings,
    doctor::{self, CheckStatus, Finding},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guardianflow doctor                       with the settings of the environment
  guardianflow doctor --data /srv/gf --format json

Exit codes: 0 nothing is broken, 1 something is, 2 wrong usage.")]
pub struct Doctor {
    /// A line a check for people, or JSON for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Doctor {
    pub async fn run(&self, settings: Settings) -> Result<ExitCode> {
        let found = doctor::run(settings).await;
        let count = |state: CheckStatus| found.iter().filter(|f| f.state == state).count();
        let (errors, warnings) = (count(CheckStatus::Error), count(CheckStatus::Warning));
        let said = match self.format {
            Format::Text => {
                let colour = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                text(&found, colour) + &summary(errors, warnings)
            }
            Format::Json => {
                let all = json!({"errors": errors, "warnings": warnings, "checks": found});
                serde_json::to_string_pretty(&all).map_err(|e| {
                    Error::internal(domain::error::Sentence::only_english("cannot print")).with_detail(e)
                })?
            }
        };
        print(&said)?;
        Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A line a check, and its cure below it.
fn text(found: &[Finding], colour: bool) -> String {
    let width = found.iter().map(|f| f.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for f in found {
        let (sign, word, code) = match f.state {
            CheckStatus::Ok => ("✓", "ok", 32),
            CheckStatus::Warning => ("!", "warning", 33),
            CheckStatus::Error => ("✗", "error", 31),
        };
        let state = format!("{sign} {word:7}");
        let state = if colour { format!("\x1b[{code}m{state}\x1b[0m") } else { state };
        text += &format!("{state}  {:width$}  {}\n", f.name.replace('_', " "), f.seen);
        if let Some(cure) = &f.cure {
            text += &format!("{:11}{:width$}  → {cure}\n", "", "");
        }
    }
    text
}

fn summary(errors: usize, warnings: usize) -> String {
    let many = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => "\nNothing is broken.".to_owned(),
        (0, n) => format!("\nNothing is broken; {}.", many(n, "warning")),
        (n, w) => format!("\nBroken: {}, {}.", many(n, "error"), many(w, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_words_and_colours_are_beside_them() {
        let finding = |state, cure: Option<&str>| Finding {
            name: "disk_space",
            state,
            seen: "seen".into(),
            cure: cure.map(str::to_owned),
        };
        let all = [
            finding(CheckStatus::Ok, None),
            finding(CheckStatus::Warning, Some("cure it")),
            finding(CheckStatus::Error, Some("cure that")),
        ];
        let plain = text(&all, false);
        assert_eq!(
            plain,
            "✓ ok       disk space  seen\n! warning  disk space  seen\n                       → cure it\n\
             ✗ error    disk space  seen\n                       → cure that\n"
        );
        assert!(text(&all, true).contains("\x1b[31m✗ error"));
        assert_eq!(summary(1, 2).trim(), "Broken: 1 error, 2 warnings.");
        assert_eq!(summary(0, 1).trim(), "Nothing is broken; 1 warning.");
    }
}
