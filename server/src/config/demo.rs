//! The simulated fleet.

use std::path::Path;

use clap::Args;

use super::subsystem::Subsystem;

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Demo {
    /// 1 fills an empty data folder with the simulated fleet and lets it grow
    #[arg(id = "demo", long = "demo", env = "GF_DEMO", default_value = "0", value_name = "0|1", value_parser = parse_switch,
          num_args = 0..=1, default_missing_value = "1", global = true)]
    pub on: bool,
}

impl Subsystem for Demo {
    fn shown(&self, _: &Path, id: &str) -> Option<String> {
        (id == "demo").then(|| u8::from(self.on).to_string())
    }
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" | "" => Ok(false),
        _ => Err("say 1 or 0".into()),
    }
}
