//! `/experiments/{id}/pick`: the best run of an experiment under limits. What it shows is made where models are picked (`pick`); who may see
//! it is another question.

use domain::access::Action;
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
use crate::shell::answer::answer;
use crate::shell::{
    drawn::{DrawnView, drawn_page},
    error::PageError,
    json_text::JsonText,
    page_spec::{Function, PageSpec},
};

pub const PAGE: PageSpec =
    PageSpec { paths: PATHS, action: Action::ReadRuns, functions: &[RUN_PICK], navigation: None };

const RUN_PICK: Function = Function { path: "/sf/run-pick", method: "GET", action: Action::ReadRuns };

crate::routes!(RunPick: "/experiments/:experiment/pick");

#[component]
fn RunPick() -> impl IntoView {
    drawn_page(&PAGE, |address| Box::pin(run_pick(address)))
}

/// The choice at an address.
#[server(prefix = "/sf", endpoint = "run-pick", input = GetUrl)]
pub async fn run_pick(address: String) -> Result<JsonText<DrawnView>, PageError> {
    answer(&RUN_PICK, |services, request| async move {
        crate::pick::make::page_of_runs(&services, &request, &address).await
    })
    .await
}
