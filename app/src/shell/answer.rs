//! The edge at which the answer of a server function becomes HTTP.

use std::future::Future;

use domain::access::{Object, authorize};
use leptos::prelude::expect_context;
use tracing::Instrument;

use super::{
    context::{Request, Services},
    error::{PageError, request_span},
    json_text::JsonText,
    page_spec::Function,
};

/// Answers a server function that writes: asks whether the request's actor may do what it needs, and leads to the address that `act`
/// returns, where it is seen what was done.
///
/// # Errors
/// What `act` says, or that the actor may not.
pub async fn write<F>(function: &Function, act: impl FnOnce(Services) -> F) -> Result<(), PageError>
where
    F: Future<Output = domain::Result<String>>,
{
    let JsonText(to) = answer(function, |services, _| act(services)).await?;
    leptos_axum::redirect(&to);
    Ok(())
}

/// Answers a server function: asks when the request's actor may do what it needs, and makes of an error what a page may know.
///
/// # Errors
/// What `act` says, or that the actor may not.
pub async fn answer<T, F>(
    function: &Function,
    act: impl FnOnce(Services, Request) -> F,
) -> Result<JsonText<T>, PageError>
where
    F: Future<Output = domain::Result<T>>,
{
    let (services, request): (Services, Request) = (expect_context(), expect_context());
    let span = request_span(&request.id);
    let answered = async {
        authorize(&request.actor, function.action, Object::Any)?;
        act(services, request).await
    };
    answered.instrument(span).await.map(JsonText).map_err(PageError::of)
}
