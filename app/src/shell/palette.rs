//! Everything that can be gone to or done by name, for the palette; read by `app/elements/palette.ts`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    Result,
    query::Directory,
    scope::Scope,
    text::{Name, visible},
    tracking::{
        Run,
        filter::{Expr, Filter},
    },
};
use serde::Serialize;
use usecases::{
    Models, Tracking,
    tracking::{ExperimentRow, ExperimentsQuery, RunsQuery},
};

use super::{addresses, page_spec::PageSpec, words};
use crate::{
    i18n::Lang,
    panels::{tracking::run_name, words as panel_words},
    ui::words as ui_words,
};

/// From so many letters on runs are looked for.
const LEAST_TYPED: usize = 2;
/// So many experiments, and so many runs, are offered.
const OFFERED: usize = 8;

/// A customer with its sites, each with its zones.
type Customer<'d> = (&'d str, Vec<(&'d str, Vec<&'d str>)>);

/// All of it, however much there is: what cannot be found by name would not be there. Places are a tree of names, so that
/// thousands of zones are some tens of kilobytes; their addresses follow from their names.
#[derive(Debug, Serialize)]
pub struct Palette<'d> {
    words: serde_json::Value,
    keys: Vec<(String, String)>,
    entries: Vec<Entry>,
    /// Customers with their sites with their zones.
    places: Vec<Customer<'d>>,
    /// What places are called that have another name to show; by their names from the customer on, each on a line.
    shown: BTreeMap<String, &'d str>,
}

#[derive(Debug, Serialize)]
struct Entry {
    kind: &'static str,
    label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<char>,
}

/// A page of the navigation.
struct Page {
    href: &'static str,
    label: &'static str,
    key: char,
}

fn pages(page_list: &[&PageSpec], lang: Lang) -> Vec<Page> {
    let page = |page_spec: &&PageSpec| {
        let n = page_spec.navigation.as_ref()?;
        Some(Page { href: page_spec.path(), label: (n.label)(lang), key: n.key })
    };
    page_list.iter().filter_map(page).collect()
}

/// What can be found by name, in a language.
#[must_use]
pub fn palette<'d>(d: &'d Directory, lang: Lang, page_list: &[&PageSpec]) -> Palette<'d> {
    let pages = pages(page_list, lang);
    let page = |p: &Page| entry("page", p.label.to_owned(), String::new(), p.href.to_owned(), Some(p.key));
    let mut entries: Vec<Entry> = pages.iter().map(page).collect();
    let acts = [
        ("theme:light", format!("{}: {}", words::theme(lang), words::theme_light(lang))),
        ("theme:dark", format!("{}: {}", words::theme(lang), words::theme_dark(lang))),
        ("theme:system", format!("{}: {}", words::theme(lang), words::theme_system(lang))),
        ("lang:en", "English".to_owned()),
        ("lang:ko", "한국어".to_owned()),
        ("refresh", words::palette_refresh(lang).to_owned()),
        ("copy-link", ui_words::copy_link(lang).to_owned()),
        ("keys", words::palette_keys(lang).to_owned()),
    ];
    entries.extend(acts.map(|(act, label)| Entry {
        kind: "act",
        label,
        detail: String::new(),
        href: None,
        act: Some(act),
        key: None,
    }));
    entries.extend(
        d.models
            .iter()
            .map(|m| entry("model", m.to_string(), words::nav_compare(lang).to_owned(), addresses::compare(m), None)),
    );
    Palette {
        words: serde_json::json!({
            "title": words::palette_title(lang), "placeholder": words::palette_placeholder(lang), "empty": words::palette_empty(lang, "{text}"),
            "failed": words::palette_failed(lang), "keys_title": words::palette_keys(lang), "close": words::close(lang),
            "kinds": {
                "page": words::palette_page(lang), "customer": panel_words::col_customer(lang), "site": panel_words::col_site(lang), "zone": panel_words::col_zone(lang),
                "model": panel_words::col_model(lang), "experiment": words::palette_experiment(lang), "run": words::palette_run(lang), "act": words::palette_act(lang),
            },
        }),
        keys: keys(lang, &pages),
        entries,
        places: places(d),
        shown: shown(d, lang),
    }
}

fn entry(kind: &'static str, label: String, detail: String, href: String, key: Option<char>) -> Entry {
    Entry { kind, label, detail, href: Some(href), act: None, key }
}

/// Models, experiments and runs whose names contain a text, and runs whose ids are it; too many to be listed before somebody types.
///
/// # Errors
/// `Forbidden` when the actor may see none of them.
pub fn found(runs: &Tracking, models: &Models, text: &str, lang: Lang) -> Result<Vec<impl Serialize + use<>>> {
    let (registered, tracked) = (registered(models, text, lang), tracked(runs, text));
    match (registered, tracked) {
        (Ok(models), Ok(tracked)) => Ok(models.into_iter().chain(tracked).collect()),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
        (Err(e), Err(_)) => Err(e),
    }
}

fn registered(models: &Models, text: &str, lang: Lang) -> Result<Vec<Entry>> {
    let (index, text) = (models.index()?, text.trim().to_lowercase());
    if text.chars().count() < LEAST_TYPED {
        return Ok(vec![]);
    }
    let of = |name: &str| {
        let (label, detail) = (visible(name).into_owned(), words::palette_registered(lang).to_owned());
        entry("model", label, detail, addresses::model(name), None)
    };
    let names = index.models().map(|m| m.name.as_str()).filter(|name| name.to_lowercase().contains(&text));
    Ok(names.take(OFFERED).map(of).collect())
}

fn tracked(runs: &Tracking, text: &str) -> Result<Vec<Entry>> {
    if runs.status()?.is_none() || text.trim().chars().count() < LEAST_TYPED {
        return Ok(vec![]);
    }
    let query = ExperimentsQuery { text: text.to_owned(), limit: OFFERED, ..ExperimentsQuery::default() };
    let experiments = runs.experiments(&query)?.rows;
    let with_name = Filter { root: Some(Expr::Word(text.trim().into())) };
    let found = runs.search(&RunsQuery { filter: with_name, limit: OFFERED, ..RunsQuery::default() })?.rows;
    let by_id = runs.run(text.trim()).ok().map(|answer| answer.run).filter(|run| found.iter().all(|r| r.id != run.id));
    // Names are somebody else's, and the palette draws them as they come.
    let named = |kind, name: &str, detail: String, href: String| {
        entry(kind, visible(name).into_owned(), visible(&detail).into_owned(), href, None)
    };
    let experiment = |row: ExperimentRow| {
        let e = row.experiment;
        named("experiment", &e.name, String::new(), addresses::experiment(&e.id))
    };
    let run = |run: Arc<Run>| named("run", &run_name(&run), run.id.to_string(), addresses::run(&run.id));
    Ok(experiments.into_iter().map(experiment).chain(by_id.into_iter().chain(found).map(run)).collect())
}

/// Every place once; zones without a site have no page.
fn places(d: &Directory) -> Vec<Customer<'_>> {
    let mut tree: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for p in &d.places {
        let sites = tree.entry(p.customer.as_str()).or_default();
        let Some(site) = &p.site else { continue };
        let zones = sites.entry(site.as_str()).or_default();
        zones.extend(p.zone.iter().map(AsRef::as_ref));
    }
    let list = |sites: BTreeMap<_, BTreeSet<_>>| sites.into_iter().map(|(s, z)| (s, z.into_iter().collect())).collect();
    tree.into_iter().map(|(customer, sites)| (customer, list(sites))).collect()
}

/// By [`Palette::shown`]. Who has another name to show is found by both.
fn shown(d: &Directory, lang: Lang) -> BTreeMap<String, &str> {
    let mut found = BTreeMap::new();
    for p in &d.places {
        let names: Vec<&Name> = [Some(&p.customer), p.site.as_ref(), p.zone.as_ref()].into_iter().flatten().collect();
        for depth in 1..=names.len() {
            let part = |at: usize| names.get(at).filter(|_| at < depth).map(|n| (*n).clone());
            let scope = Scope { customer: part(0), site: part(1), zone: part(2), ..Scope::default() };
            let key = names[..depth].iter().map(|n| n.as_str()).collect::<Vec<_>>().join("\n");
            let label = d.declared.label(&scope).map(|l| lang.name(l)).filter(|l| *l != names[depth - 1].as_str());
            if let Some(label) = label {
                found.insert(key, label);
            }
        }
    }
    found
}

fn keys(lang: Lang, pages: &[Page]) -> Vec<(String, String)> {
    let general =
        [("?", words::palette_keys(lang)), ("Ctrl K", words::palette_title(lang)), ("/", words::palette_title(lang))];
    let on_pages = [
        ("t ←", words::key_earlier(lang)),
        ("t →", words::key_later(lang)),
        (".", words::key_table(lang)),
        ("← →", words::key_points(lang)),
        ("Enter", words::key_records(lang)),
        ("+ −", words::key_zoom(lang)),
    ];
    let own = |(key, label): (&str, &str)| (key.to_owned(), label.to_owned());
    let to_page = |p: &Page| (format!("g {}", p.key), p.label.to_owned());
    general.map(own).into_iter().chain(pages.iter().map(to_page)).chain(on_pages.map(own)).collect()
}

#[cfg(test)]
mod tests {
    use domain::{model::ModelKey, scope::Place};

    use super::*;

    #[test]
    fn five_thousand_zones_and_two_hundred_models_are_all_there_and_stay_light() {
        let name = |text: String| text.try_into().expect("a name");
        let mut d = Directory::default();
        for z in 0..5_000 {
            let (customer, site) = (name(format!("Customer-{}", z / 100)), name(format!("Site-{}", z / 5)));
            d.places.push(Place { customer, site: Some(site), zone: Some(name(format!("Gate-{z}"))) });
        }
        d.models = (0..200).map(|m| ModelKey::parse(&format!("model-{m}:1.0")).expect("a model")).collect();
        let listed = palette(&d, Lang::En, &[]);
        let zones = listed.places.iter().flat_map(|c| &c.1).map(|s| s.1.len()).sum::<usize>();
        let sites = listed.places.iter().map(|c| c.1.len()).sum::<usize>();
        assert_eq!((listed.places.len(), sites, zones), (50, 1_000, 5_000));
        let models: Vec<&Entry> = listed.entries.iter().filter(|e| e.kind == "model").collect();
        assert_eq!(models.len(), 200);
        assert_eq!(models[0].label, "model-0 1.0");
        assert_eq!(models[0].href.as_deref(), Some("/compare?baseline=model-0:1.0"));
        let bytes = serde_json::to_vec(&listed).expect("JSON").len();
        assert!(bytes < 150_000, "{bytes} bytes");
    }

    #[test]
    fn a_place_is_listed_once_and_records_of_a_whole_customer_make_no_site() {
        let place = |c: &str, s: Option<&str>, z: Option<&str>| {
            let name = |n: &str| n.to_owned().try_into().expect("a name");
            Place { customer: name(c), site: s.map(name), zone: z.map(name) }
        };
        let places = vec![
            place("A", None, None),
            place("A", Some("s"), Some("z")),
            place("A", Some("s"), None),
            place("B", None, Some("adrift")),
        ];
        let d = Directory { places, ..Directory::default() };
        assert_eq!(super::places(&d), [("A", vec![("s", vec!["z"])]), ("B", vec![])]);
    }
}
