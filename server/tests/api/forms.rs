//! Saved views by forms: what a browser sends without a script, and what Leptos sends with one.

use serde_json::{Value, json};

use crate::{
    process::{Folder, Served},
    tokens::{ask, session, token},
    wire::Answer,
};

const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const HERE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");

struct Team {
    served: Served,
    _folder: Folder,
    /// Cookies of sessions: of a viewer and of an operator.
    kim: String,
    lee: String,
}

async fn team() -> Team {
    let folder = Folder::new();
    let (kim, lee) = (token(&folder, "kim", "viewer"), token(&folder, "lee", "operator"));
    let served = Served::start(&folder, &[]).await;
    let (kim, lee) = (session(&served, &kim).await, session(&served, &lee).await);
    Team { served, _folder: folder, kim, lee }
}

impl Team {
    /// What a browser gets that sends a form without a script.
    async fn plain(&self, cookie: &str, act: &str, fields: &str) -> Answer {
        let fields = &format!("act={act}&{fields}");
        let heads = [HTML, FORM, HERE, ("Cookie", cookie), ("Referer", "https://evil.example.com/")];
        ask(&self.served, "POST", "/views", &heads, fields).await
    }
    /// What Leptos gets.
    async fn alive(&self, cookie: &str, act: &str, fields: &str) -> Answer {
        let fields = &format!("act={act}&{fields}");
        ask(&self.served, "POST", "/views", &[("Accept", "application/json"), FORM, HERE, ("Cookie", cookie)], fields)
            .await
    }
    async fn page(&self, cookie: &str, path: &str) -> Answer {
        ask(&self.served, "GET", path, &[HTML, HERE, ("Cookie", cookie)], "").await
    }
    async fn views(&self, cookie: &str) -> Value {
        let answer = ask(&self.served, "GET", "/api/views", &[("Cookie", cookie)], "").await;
        serde_json::from_str(&answer.body).expect("JSON")
    }
    async fn names(&self, cookie: &str) -> Vec<String> {
        let list = self.views(cookie).await;
        list["views"].as_array().expect("a list").iter().map(|v| v["name"].as_str().expect("a name").into()).collect()
    }
    /// Saves a view and returns its number.
    async fn save(&self, cookie: &str, name: &str, more: &str) -> String {
        let sent = self.plain(cookie, "save", &format!("name={name}&link=%2Ftrends&{more}")).await;
        let to = leads(&sent);
        to.strip_prefix("/views?done=saved&view=").unwrap_or_else(|| panic!("{to}")).to_owned()
    }
}

/// Where an answer leads; it must be elsewhere than the form, by GET.
fn leads(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.all("serverfnredirect").is_empty());
    let to = answer.all("location");
    assert!(to.len() == 1 && to[0].starts_with('/') && !to[0].starts_with("//"), "{to:?}");
    to[0].to_owned()
}

/// The page's text about what was done, or refused.
fn says(answer: &Answer, sentence: &str) {
    let body = answer.body.replace("<!>", "").replace("&quot;", "\"");
    assert!(body.contains(sentence), "“{sentence}” is not in {body}");
}

#[tokio::test]
async fn a_view_is_saved_changed_and_deleted_without_a_script_and_each_result_can_be_loaded_again() {
    let t = team().await;
    let form = t.page(&t.kim, "/views?act=save&link=%2Ftrends%3Fmetric%3DmAP50&name=mAP50%20of%20all").await;
    assert_eq!(form.status, 200);
    for part in [r#"action="/views""#, r#"method="post""#, r#"value="/trends?metric=mAP50""#, r#"value="mAP50 of all""#]
    {
        assert!(form.body.contains(part), "{part} is not in {}", form.body);
    }
    let sent = t.plain(&t.kim, "save", "name=mAP50+of+all&link=%2Ftrends%3Fmetric%3DmAP50&shared=false&key=k1").await;
    let result = leads(&sent);
    assert_eq!(result, "/views?done=saved&view=1");
    for _ in 0..2 {
        let page = t.page(&t.kim, &result).await;
        assert_eq!(page.status, 200);
        says(&page, "“mAP50 of all” is saved.");
        assert!(page.body.contains(r#"href="/trends?metric=mAP50""#), "{}", page.body);
    }
    // The same form sent again.
    let again = t.plain(&t.kim, "save", "name=mAP50+of+all&link=%2Ftrends%3Fmetric%3DmAP50&shared=false&key=k1").await;
    assert_eq!(leads(&again), result);
    assert_eq!(t.names(&t.kim).await, ["mAP50 of all"]);
    let form = t.page(&t.kim, "/views?act=change&view=1").await;
    assert!(form.status == 200 && form.body.contains(r#"value="mAP50 of all""#), "{}", form.body);
    for _ in 0..2 {
        let changed = t.plain(&t.kim, "change", "view=1&name=%EB%B6%80%EC%82%B0&shared=false").await;
        assert_eq!(leads(&changed), "/views?done=changed&view=1");
    }
    says(&t.page(&t.kim, "/views?done=changed&view=1").await, "“부산” is changed.");
    let question = t.page(&t.kim, "/views?act=delete&view=1").await;
    says(&question, "Delete “부산”");
    assert_eq!(t.names(&t.kim).await, ["부산"], "the question deletes nothing");
    assert_eq!(leads(&t.plain(&t.kim, "delete", "view=1").await), "/views?done=deleted");
    assert_eq!(leads(&t.plain(&t.kim, "delete", "view=1").await), "/views?done=gone", "sent twice");
    says(&t.page(&t.kim, "/views?done=deleted").await, "The view is deleted.");
    says(&t.page(&t.kim, "/views?done=gone").await, "That view was deleted before.");
    says(&t.page(&t.kim, "/views").await, "No views yet");
}

#[tokio::test]
async fn what_is_refused_is_named_beside_its_field_in_both_languages_and_what_was_typed_is_kept() {
    let t = team().await;
    let id = t.save(&t.kim, "taken", "").await;
    let long = "x".repeat(81);
    let save = |name: &str, link: &str| ("save", format!("name={name}&link={link}&shared=false&key=k"));
    for ((path, fields), status, field, en, ko) in [
        (save("", "%2F"), 400, "name", "the name of the view is empty", "비어 있습니다"),
        (save(&long, "%2F"), 400, "name", "at most 80 characters", "80자 이하"),
        (save("a%0Ab", "%2F"), 400, "name", "the name of the view", "보기 이름"),
        (save("taken", "%2F"), 400, "name", "there is a view called “taken”", "“taken” 보기가 이미 있습니다"),
        (save("x", "%2F%2Fevil.example.com"), 400, "link", "is no address of a page of ours", "페이지 주소가 아닙니다"),
        (
            save("x", "https%3A%2F%2Fevil.example.com%2F"),
            400,
            "link",
            "is no address of a page of ours",
            "페이지 주소가 아닙니다",
        ),
        (save("x", "javascript%3Aalert(1)"), 400, "link", "is no address of a page of ours", "페이지 주소가 아닙니다"),
        (save("x", "%2Fapi%2Fviews"), 400, "link", "there is no page at", "페이지가 없습니다"),
        (save("x", "%2Ftrends%3Fdays%3D0"), 400, "link", "days", "days"),
        (
            ("save", "name=mine&link=%2F&shared=true&key=k".into()),
            403,
            "shared",
            "only operators share views",
            "운영자만",
        ),
        (("change", format!("view={id}&name=&shared=false")), 400, "name", "is empty", "비어 있습니다"),
        (
            ("change", format!("view={id}&name=still&shared=true")),
            403,
            "shared",
            "only operators share views",
            "운영자만",
        ),
    ] {
        for (lang, sentence) in [("en", en), ("ko", ko)] {
            let cookie = format!("{}; gf_lang={lang}", t.kim);
            let answer = t.plain(&cookie, path, &fields).await;
            assert_eq!(answer.status, status, "{path} {fields}: {}", answer.body);
            assert!(answer.all("location").is_empty(), "{fields}");
            let body = answer.body.replace("<!>", "");
            let beside =
                body.split(&format!(r#"id="{field}-fault""#)).nth(1).unwrap_or_else(|| panic!("{fields}: {body}"));
            let said = beside.split("</p>").next().expect("text");
            assert!(said.contains(sentence), "{fields}: {said}");
            let typed = fields.split("name=").nth(1).and_then(|f| f.split('&').next()).expect("a name");
            if !typed.contains('%') {
                assert!(body.contains(&format!(r#"value="{typed}""#)), "{fields}: what was typed is gone from {body}");
            }
        }
        let alive = t.alive(&t.kim, path, &fields).await;
        let error: Value = serde_json::from_str(&alive.body).unwrap_or_else(|e| panic!("{e}: {}", alive.body));
        assert_eq!((alive.status, &error["field"]), (status, &json!(field)), "{fields}");
        assert!(error["message"]["en"].as_str().is_some_and(|s| s.contains(en)), "{error}");
    }
    assert_eq!(t.names(&t.kim).await, ["taken"], "nothing was kept");
    // A key that was used for another view.
    let first = t.plain(&t.kim, "save", "name=one&link=%2F&key=same").await;
    leads(&first);
    let other = t.plain(&t.kim, "save", "name=two&link=%2F&key=same").await;
    assert_eq!(other.status, 400);
    says(&other, "this form was sent before");
    assert!(other.body.contains(r#"value="two""#) && !other.body.contains(r#"value="same""#), "{}", other.body);
    // What is no form of ours.
    for (path, fields) in [
        ("save", "nonsense"),
        ("save", ""),
        ("delete", "view=x"),
        ("change", "view=1"),
        ("nonsense", "view=1"),
        ("", ""),
    ] {
        let answer = t.plain(&t.kim, path, fields).await;
        assert!((400..500).contains(&answer.status), "{path} {fields}: {} {}", answer.status, answer.body);
        assert!(answer.all("content-type")[0].starts_with("text/html"), "{path} {fields}");
    }
}

#[tokio::test]
async fn a_hundred_views_are_the_most_and_one_more_is_refused_with_a_sentence() {
    let t = team().await;
    for n in 0..100 {
        t.save(&t.kim, &format!("view+{n}"), "").await;
    }
    let more = t.plain(&t.kim, "save", "name=one+more&link=%2F&key=k").await;
    assert_eq!(more.status, 400);
    says(&more, "you have 100 views, and more are not kept");
    assert!(more.body.contains(r#"value="one more""#), "{}", more.body);
}

#[tokio::test]
async fn the_page_offers_what_one_may_do_and_foreign_views_are_unknown() {
    let t = team().await;
    let own = t.save(&t.kim, "mine", "").await;
    let shared = t.save(&t.lee, "for+all", "shared=true").await;
    let page = t.page(&t.kim, "/views").await;
    for (id, links) in [(&own, true), (&shared, false)] {
        for what in ["change", "delete"] {
            let link = format!(r#"href="/views?act={what}&amp;view={id}""#);
            assert_eq!(page.body.contains(&link), links, "{link}");
        }
    }
    // A viewer is offered no sharing, an operator is.
    let form = "/views?act=save&link=%2F&name=x";
    assert!(!t.page(&t.kim, form).await.body.contains(r#"value="true""#));
    assert!(t.page(&t.lee, form).await.body.contains(r#"value="true""#));
    assert!(!t.page(&t.lee, "/views").await.body.contains(">mine<"));
    for (cookie, id, status) in
        [(&t.kim, &*shared, 403), (&t.lee, &own, 404), (&t.kim, "4711", 404), (&t.kim, "x", 404)]
    {
        for what in ["change", "delete"] {
            assert_eq!(t.page(cookie, &format!("/views?act={what}&view={id}")).await.status, status, "{what} {id}");
        }
        if id.parse::<i64>().is_ok() {
            let sent = t.plain(cookie, "change", &format!("view={id}&name=stolen")).await;
            assert_eq!(sent.status, status, "{id}");
        }
    }
    // Deleting what one may not see is told as what is not there.
    assert_eq!(leads(&t.plain(&t.lee, "delete", &format!("view={own}")).await), "/views?done=gone");
    assert_eq!(t.plain(&t.kim, "delete", &format!("view={shared}")).await.status, 403);
    assert_eq!(t.names(&t.kim).await, ["for all", "mine"]);
    // An operator shares, and takes back.
    let changed = t.plain(&t.lee, "change", &format!("view={shared}&name=for+all&shared=false")).await;
    leads(&changed);
    assert_eq!(t.names(&t.kim).await, ["mine"]);
}

#[tokio::test]
async fn one_starts_with_the_view_of_choice_and_comes_to_the_overview_all_the_same() {
    let t = team().await;
    let id = t.save(&t.kim, "morning", "").await;
    let root = async |cookie: &str, site: &str| {
        ask(&t.served, "GET", "/", &[HTML, ("Sec-Fetch-Site", site), ("Cookie", cookie)], "").await
    };
    assert_eq!(root(&t.kim, "none").await.status, 200, "nothing was chosen");
    let chosen = t.plain(&t.kim, "start", &format!("view={id}")).await;
    assert_eq!(leads(&chosen), format!("/views?done=start&view={id}"));
    let page = t.page(&t.kim, &leads(&chosen)).await;
    says(&page, "You start with “morning” from now on.");
    says(&page, "Start with the overview");
    for site in ["none", "cross-site"] {
        assert_eq!(leads(&root(&t.kim, site).await), "/trends", "{site}");
    }
    // From our own pages, and by an address of its own, it is the overview.
    assert_eq!(root(&t.kim, "same-origin").await.status, 200);
    assert_eq!(ask(&t.served, "GET", "/?from=now-7d", &[HTML, ("Cookie", &t.kim)], "").await.status, 200);
    assert_eq!(root(&t.lee, "none").await.status, 200, "it is one's own choice");
    assert_eq!(t.plain(&t.lee, "start", &format!("view={id}")).await.status, 404);
    // Whoever signs in without having wanted anything else starts there.
    let heads = [HTML, FORM, HERE];
    let signed = ask(&t.served, "POST", "/signin", &heads, "token=gf_wrong&back=/").await;
    assert_eq!(signed.status, 403);
    assert_eq!(leads(&t.plain(&t.kim, "start", "").await), "/views?done=start");
    says(&t.page(&t.kim, "/views?done=start").await, "You start with the overview from now on.");
    assert_eq!(root(&t.kim, "none").await.status, 200);
}

#[tokio::test]
async fn whoever_signs_in_comes_to_where_they_wanted_to_go_or_to_where_they_start() {
    let folder = Folder::new();
    let kim = token(&folder, "kim", "viewer");
    let served = Served::start(&folder, &[]).await;
    let wanted = ask(&served, "GET", "/views?done=deleted", &[HTML], "").await;
    assert_eq!(leads(&wanted), "/signin?back=%2Fviews%3Fdone%3Ddeleted");
    let sign_in = async |back: &str| {
        let answer = ask(&served, "POST", "/signin", &[HTML, FORM, HERE], &format!("token={kim}&back={back}")).await;
        let cookie = answer.all("set-cookie")[0].split(';').next().expect("a cookie").to_owned();
        (leads(&answer), cookie)
    };
    let (to, cookie) = sign_in("%2Fviews%3Fdone%3Ddeleted").await;
    assert_eq!(to, "/views?done=deleted");
    let page = ask(&served, "GET", &to, &[HTML, ("Cookie", &cookie)], "").await;
    assert!(
        page.body.contains(r#"data-actor="kim""#) && page.body.contains(r#"formaction="/signout""#),
        "{}",
        page.body
    );
    let heads = [HTML, FORM, HERE, ("Cookie", &*cookie)];
    let saved = ask(&served, "POST", "/views", &heads, "act=save&name=morning&link=%2Ftrends%3Fdays%3D1").await;
    assert_eq!(leads(&saved), "/views?done=saved&view=1");
    ask(&served, "POST", "/views", &heads, "act=start&view=1").await;
    for (back, to) in [
        ("%2F", "/trends?days=1"),
        ("", "/trends?days=1"),
        ("%2Fsources", "/sources"),
        ("https%3A%2F%2Fevil", "/trends?days=1"),
    ] {
        assert_eq!(sign_in(back).await.0, to, "{back}");
    }
    let out = ask(&served, "POST", "/signout", &heads, "").await;
    assert_eq!(leads(&out), "/signin");
    assert_eq!(leads(&ask(&served, "GET", "/views", &heads[..1], "").await), "/signin?back=%2Fviews");
}

#[tokio::test]
async fn names_in_forms_get_their_one_spelling() {
    let t = team().await;
    let apart = "%E1%84%87%E1%85%AE%E1%84%89%E1%85%A1%E1%86%AB"; // 부산 in letters
    t.save(&t.kim, apart, "").await;
    assert_eq!(t.names(&t.kim).await, ["부산"]);
    let again = t.plain(&t.kim, "save", "name=%EB%B6%80%EC%82%B0&link=%2F").await;
    assert_eq!(again.status, 400, "it is the same name");
}

#[tokio::test]
async fn with_a_script_the_answer_says_where_it_leads_and_is_no_redirect() {
    let t = team().await;
    let sent = t.alive(&t.kim, "save", "name=x&link=%2F&shared=false&key=k").await;
    assert_eq!((sent.status, sent.all("location")), (200, vec!["/views?done=saved&view=1"]), "{}", sent.body);
    assert_eq!(sent.all("serverfnredirect").len(), 1);
    let signed_out = ask(&t.served, "POST", "/views", &[FORM, HERE], "act=save&name=y&link=%2F").await;
    assert_eq!(signed_out.status, 401);
    assert_eq!(t.names(&t.kim).await, ["x"]);
}
