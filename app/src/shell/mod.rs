//! What surrounds pages: the document, the frame with its navigation, the head of a page, loading and failing, and what the
//! server knows of a request. How a page is registered is in [`page_spec`].

#[cfg(feature = "ssr")]
pub mod addresses;
#[cfg(feature = "ssr")]
pub mod answer;
#[cfg(feature = "ssr")]
pub mod artifacts;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod document;
pub mod drawn;
pub mod error;
pub mod error_view;
#[cfg(feature = "ssr")]
pub mod filters;
pub mod frame;
#[cfg(feature = "ssr")]
pub mod head;
pub mod json_text;
pub mod load;
#[cfg(feature = "ssr")]
pub mod no_data;
#[cfg(feature = "ssr")]
pub mod page_query;
pub mod page_spec;
#[cfg(feature = "ssr")]
pub mod palette;
#[cfg(feature = "ssr")]
mod picture;
#[cfg(feature = "ssr")]
pub mod plain_query;
pub mod prefs;
#[cfg(feature = "ssr")]
pub mod refused;
pub mod theme;
pub mod top;
pub mod write_form;

pub mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/shell/words.rs"));
}

mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/shell/sentences.rs"));
}
