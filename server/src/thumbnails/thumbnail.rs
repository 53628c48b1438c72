//! A small picture of an image.

/// A small picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    pub bytes: Vec<u8>,
    /// Its media type.
    pub kind: &'static str,
    /// Width and height of the image, in pixels.
    pub original: (u32, u32),
    /// It is the first of several frames, and has a mark that says so.
    pub is_first_frame: bool,
}
