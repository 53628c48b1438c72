//! `/views`: pages that somebody gave a name, to open, share, rename and delete them, and to start with one of them.

mod draw;
mod function;
#[cfg(feature = "ssr")]
mod html;
#[cfg(feature = "ssr")]
mod make;
pub mod view;
#[cfg(feature = "ssr")]
mod write;

mod words {
    //! The texts of this folder, from `words.toml`. Views hold most of them, so that the browser's program does not.
    include!(concat!(env!("OUT_DIR"), "/views/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/views/sentences.rs"));
}

use domain::access::Action;
use leptos::prelude::*;

use crate::{
    shell::{
        load::loaded_at,
        page_spec::{Navigation, PageSpec},
    },
    ui::hydration::hydrated_synchronously,
};

pub use self::function::{WriteView, write_view};

pub const PAGE: PageSpec = PageSpec {
    paths: PATHS,
    action: Action::ReadViews,
    functions: &[function::VIEWS, function::WRITE],
    navigation: Some(Navigation { icon: "bookmark", label: words::label, key: 'v', beneath: &[] }),
};

// Forms are sent to the page that shows them, so that what is refused is shown there, with what was typed.
crate::routes!(Views: "/views");

#[component]
fn Views() -> impl IntoView {
    loaded_at(&PAGE, function::views, |view| hydrated_synchronously(draw::draw(view)))
}
