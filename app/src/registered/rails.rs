//! What the versions of a model are judged by: its guard-rails, place by place, and the form that sets one.

use domain::{
    Result,
    evidence::Rail,
    metric::Metric,
    model::ModelKey,
    scope::{Place, Scope},
};
use leptos::prelude::*;

use super::{
    fields::{Fields, text_field},
    words,
};
use crate::shell::{addresses, context::Services, plain_query::PlainQuery, refused::Refused};

/// The section of a model's guard-rails.
///
/// # Errors
/// `Unavailable` when they cannot be read.
pub(super) async fn section(
    services: &Services,
    a: &PlainQuery,
    model: &ModelKey,
    refused: Option<&Refused>,
) -> Result<AnyView> {
    let lang = a.fmt.lang;
    services.metrics.check_visible(&Scope::default())?;
    let kept = services.evidence.kept_policy(model).await?;
    let policy = kept.as_ref().map_or_else(Default::default, |k| k.policy.clone());
    let directory = services.metrics.directory();
    let metric = |key: &str| directory.metric(key).map_or_else(|_| Metric::uncatalogued(key), |m| m.0);
    let rows: Vec<_> = policy
        .rails
        .levels()
        .map(|(place, key, rail)| {
            let metric = metric(key);
            let said = match rail {
                Rail::Margin(margin) => words::rail_margin(lang, a.fmt.with_unit(Some(margin), &metric)),
                Rail::DeviceLimit(limit) => words::rail_limit(lang, a.fmt.with_unit(Some(limit), &metric)),
                Rail::Off => words::rail_off(lang).to_owned(),
            };
            view! { <tr><td><bdi>{place_text(lang, place)}</bdi></td><th scope="row">{a.fmt.label(&metric)}</th><td>{said}</td></tr> }
        })
        .collect();
    let changed = kept.as_ref().map(|k| words::policy_changed(lang, &k.changed_by, a.fmt.moment(k.changed, a.now)));
    let changed = changed.unwrap_or_else(|| words::policy_usual(lang).to_owned());
    let seen = kept.as_ref().map_or_else(String::new, |k| k.changed.0.to_string());
    let name = model.any_version();
    let form = services.evidence.may_set_policies().then(|| form(a, &name, &seen, refused));
    Ok(view! {
        <section class="card registered" aria-labelledby="rails">
            <h2 id="rails">{words::rails_of(lang, name.to_string())}</h2>
            <p class="quiet">{words::rails_help(lang)}" "{words::policy_days(lang, policy.days)}" "{changed}</p>
            <div class="scroll" role="region" tabindex="0" aria-label=words::rails(lang)>
                <table>
                    <thead><tr>
                        <th scope="col">{words::col_where(lang)}</th>
                        <th scope="col">{words::col_metric(lang)}</th>
                        <th scope="col">{words::rail(lang)}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {form}
        </section>
    }
    .into_any())
}

fn place_text(lang: crate::i18n::Lang, place: Option<&Place>) -> String {
    let Some(place) = place else { return words::everywhere(lang).to_owned() };
    let names = [Some(&place.customer), place.site.as_ref(), place.zone.as_ref()];
    names.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" › ")
}

fn form(a: &PlainQuery, model: &ModelKey, seen: &str, refused: Option<&Refused>) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let rail = refused.filter(|r| r.fields.iter().any(|(k, v)| k == "act" && v == "rail"));
    let days = refused.filter(|r| r.fields.iter().any(|(k, v)| k == "act" && v == "days"));
    let fields = Fields { a, refused: rail };
    let of_days = Fields { a, refused: days };
    let line = |name: &'static str, label: &str, help: &str| text_field(&fields, "g", name, label, help);
    let kinds = [
        ("margin", words::kind_margin(lang)),
        ("limit", words::kind_limit(lang)),
        ("off", words::kind_off(lang)),
        ("inherit", words::kind_inherit(lang)),
    ];
    let chosen = rail.and_then(|r| r.fields.iter().find(|f| f.0 == "rail")).map_or("margin", |f| &f.1).to_owned();
    let kinds: Vec<_> = kinds
        .into_iter()
        .map(|(value, label)| view! { <option value=value selected=value == chosen>{label}</option> })
        .collect();
    let hidden = |act: &'static str| {
        view! {
            <input type="hidden" name="act" value=act/>
            <input type="hidden" name="champion" value=model.key()/>
            <input type="hidden" name="seen" value=seen.to_owned()/>
        }
    };
    view! {
        <details open=refused.is_some()>
            <summary>{words::set_rail(lang)}</summary>
            <form method="post" action=addresses::REGISTERED>
                {hidden("rail")}
                <div class="fields">
                    {line("metric", words::metric(lang), words::rail_metric_help(lang))}
                    {line("customer", words::customer(lang), words::rail_place_help(lang))}
                    {line("site", words::site(lang), words::rail_place_help(lang))}
                    {line("zone", words::zone(lang), words::rail_place_help(lang))}
                    <div class="field"><label for="g-rail">{words::rail(lang)}</label><select id="g-rail" name="rail">{kinds}</select></div>
                    {line("bound", words::bound(lang), words::bound_help(lang))}
                </div>
                <div class="acts"><button class="button primary">{words::set_rail_do(lang)}</button></div>
            </form>
            <form method="post" action=addresses::REGISTERED>
                {hidden("days")}
                <div class="fields">{text_field(&of_days, "d", "days", words::days(lang), words::policy_days_help(lang))}</div>
                <div class="acts"><button class="button">{words::set_days_do(lang)}</button></div>
            </form>
        </details>
    }
}
