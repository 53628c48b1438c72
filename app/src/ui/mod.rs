//! The kit from which pages are built: how tables, charts, tiles and forms look and behave, not what a page is about. The view
//! types of each piece stand beside it; what makes them on the server is compiled with `ssr` alone.

pub mod about;
pub mod chart;
pub mod delta;
pub mod empty;
#[cfg(feature = "ssr")]
pub mod fmt;
pub mod form;
pub mod hydration;
pub mod icon;
#[cfg(feature = "ssr")]
mod judged;
#[cfg(feature = "ssr")]
pub mod links;
pub mod menu;
#[cfg(feature = "ssr")]
pub mod pages;
pub mod state;
pub mod table;
pub mod tile;

pub(crate) mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/ui/words.rs"));
}

#[cfg(feature = "ssr")]
mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/ui/sentences.rs"));
}
