//! What is known by name, and what is not.

use super::*;

fn directory() -> Directory {
    let name = |t: &str| Name::parse(t).expect("a name");
    Directory {
        places: vec![
            Place { customer: name("a"), site: Some(name("s1")), zone: Some(name("z1")) },
            Place { customer: name("a"), site: Some(name("s1")), zone: Some(name("z2")) },
            Place { customer: name("b"), site: None, zone: None },
        ],
        tasks: vec![name("detection")],
        devices: Arc::new(BTreeMap::from([
            (name("orin"), BTreeSet::from([Place { customer: name("b"), site: None, zone: None }])),
            (name("xavier"), BTreeSet::new()),
        ])),
        custom: ["custom.mse", "eval.mae", "train.mae", "custom.precision"].map(String::from).to_vec().into(),
        ..Directory::default()
    }
}

#[test]
fn unknown_places_are_named() {
    let d = directory();
    let check = |c, s, z| d.check(&Scope::parse(c, s, z, None, None).expect("a scope")).map_err(|e| e.message.en);
    assert_eq!(check(Some("a"), Some("s1"), Some("z2")), Ok(()));
    assert_eq!(check(None, None, None), Ok(()));
    assert_eq!(check(Some("x"), None, None), Err("no customer is called “x”".into()));
    assert_eq!(check(Some("a"), Some("s9"), None), Err("no site is called “s9”".into()));
    assert_eq!(check(Some("a"), Some("s1"), Some("z9")), Err("no zone is called “z9”".into()));
}

#[test]
fn a_device_that_no_record_names_is_unknown_where_all_are_known() {
    let on = |device: &str| Scope::default().with_device(Some(device)).expect("a scope");
    let d = directory();
    assert_eq!(d.check(&on("orin")), Ok(()));
    assert_eq!(
        d.check(&on("none")).map_err(|e| (e.kind, e.message.en)),
        Err((crate::ErrorKind::NotFound, "no record names the device “none”".into()))
    );
    assert_eq!(Directory { more_devices: true, ..directory() }.check(&on("none")), Ok(()));
    let place = |c| Scope::parse(Some(c), None, None, None, None).expect("a scope");
    assert_eq!(d.devices_in(&place("b")).map(Name::as_str).collect::<Vec<_>>(), ["orin"]);
    assert_eq!(d.devices_in(&place("a")).count(), 0);
}

#[test]
fn leaves_that_collide_keep_their_group() {
    let d = directory();
    assert_eq!(d.key_of("custom.mse"), "mse");
    assert_eq!(d.key_of("eval.mae"), "eval.mae");
    assert_eq!(d.key_of("custom.precision"), "custom.precision", "detection has a precision");
    assert_eq!(d.metric("mse").map(|m| m.1), Ok(MetricColumn::Custom("custom.mse".into())));
    assert_eq!(d.metric("precision").map(|m| m.1), Ok(MetricColumn::BuiltIn(2)));
    assert!(d.metric("mae").is_err() && d.metric("nothing").is_err());
    assert!(d.metric("train.mae").is_ok());
}

#[test]
fn records_know_the_metrics_for_which_there_was_no_room() {
    let names = CustomMetrics::from(["late.loss", "late.mse", "a.x", "b.x"].map(String::from).to_vec());
    let mut d = Directory { beyond: MetricsOverLimit { names, more: false, cap: 4 }, ..directory() };
    let full = |d: &Directory, key: &str| d.metric_of_records(key).map(|m| m.1).ok();
    let custom = |name: &str| Some(MetricColumn::Custom(name.into()));
    assert_eq!((d.metric("loss").is_err(), full(&d, "LOSS")), (true, custom("late.loss")));
    assert_eq!(full(&d, "mse"), custom("custom.mse"), "what the lake knows comes first");
    assert_eq!((full(&d, "x"), full(&d, "a.x")), (None, custom("a.x")));
    assert_eq!((full(&d, "mae"), full(&d, "c.y")), (None, None));
    d.beyond.more = true;
    assert_eq!((full(&d, "c.y"), full(&d, "y")), (custom("c.y"), None));
}
