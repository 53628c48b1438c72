//! Decodes an image and makes it small. Runs on a blocking thread.

use std::io::Cursor;

use domain::error::Sentence;
use image::{
    AnimationDecoder, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat,
    ImageResult, Limits, Rgba, RgbaImage,
    codecs::{
        bmp::BmpDecoder,
        gif::GifDecoder,
        jpeg::{JpegDecoder, JpegEncoder},
        png::{PngDecoder, PngEncoder},
        webp::WebPDecoder,
    },
};

use super::sentences;

/// The largest image that is decoded, in pixels.
pub const MOST_PIXELS: u64 = 50_000_000;
/// Memory that a decoder may take, in bytes.
const MOST_MEMORY: u64 = 256 << 20;
/// Of JPEG, out of 100.
const QUALITY: u8 = 85;
/// The side of the mark on the first frame of an animation, in pixels.
const MARK: u32 = 22;

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

pub fn too_many_pixels(width: u32, height: u32) -> Sentence {
    let megapixels = |pixels: u64| format!("{:.0}", pixels as f64 / 1e6);
    sentences::too_many_pixels(width, height, megapixels(u64::from(width) * u64::from(height)), megapixels(MOST_PIXELS))
}

/// A picture of an image file that fits into a square of `side` pixels.
///
/// # Errors
/// What is no image, is broken or too large.
pub fn thumbnail(bytes: &[u8], side: u32) -> Result<Thumbnail, Sentence> {
    let format = image::guess_format(bytes).map_err(|_| sentences::broken())?;
    let Decoded { image, original, is_first_frame } = decode(bytes, format).map_err(|why| match why {
        Refusal::Broken => sentences::broken(),
        Refusal::Pixels(width, height) => too_many_pixels(width, height),
        Refusal::Image(ImageError::Limits(_)) => sentences::too_much_memory(MOST_MEMORY >> 20),
        Refusal::Image(e) => {
            tracing::debug!(error = %e, "an image cannot be decoded");
            sentences::broken()
        }
    })?;
    let image = if image.width().max(image.height()) > side { image.thumbnail(side, side) } else { image };
    let mut pixels = image.into_rgba8();
    if is_first_frame {
        mark(&mut pixels);
    }
    let (bytes, kind) = encode(pixels).map_err(|e| {
        tracing::warn!(error = %e, "a thumbnail cannot be written");
        sentences::broke_off()
    })?;
    Ok(Thumbnail { bytes, kind, original, is_first_frame })
}

struct Decoded {
    image: DynamicImage,
    original: (u32, u32),
    is_first_frame: bool,
}

enum Refusal {
    Broken,
    Pixels(u32, u32),
    Image(ImageError),
}

impl From<ImageError> for Refusal {
    fn from(e: ImageError) -> Self {
        Self::Image(e)
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    limits
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded, Refusal> {
    let file = Cursor::new(bytes);
    match format {
        ImageFormat::Png => {
            let decoder = PngDecoder::with_limits(file, limits())?;
            let is_animated = decoder.is_apng()?;
            first(decoder, is_animated)
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(file)?;
            let is_animated = decoder.has_animation();
            first(decoder, is_animated)
        }
        ImageFormat::Jpeg => first(JpegDecoder::new(file)?, false),
        ImageFormat::Bmp => first(BmpDecoder::new(file)?, false),
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(file)?;
            let original = checked(decoder.dimensions())?;
            decoder.set_limits(limits())?;
            let mut frames = decoder.into_frames();
            let frame = frames.next().ok_or(Refusal::Broken)??;
            // A second one that is broken is one too.
            let is_first_frame = frames.next().is_some();
            Ok(Decoded { image: DynamicImage::ImageRgba8(frame.into_buffer()), original, is_first_frame })
        }
        _ => Err(Refusal::Broken),
    }
}

/// The image, or its first frame, upright as browsers show it.
fn first(mut decoder: impl ImageDecoder, is_first_frame: bool) -> Result<Decoded, Refusal> {
    let (width, height) = checked(decoder.dimensions())?;
    let mut limits = limits();
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let original = if image.width() == width { (width, height) } else { (image.width(), image.height()) };
    Ok(Decoded { image, original, is_first_frame })
}

fn checked((width, height): (u32, u32)) -> Result<(u32, u32), Refusal> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS { Err(Refusal::Pixels(width, height)) } else { Ok((width, height)) }
}

/// A triangle on a dark square in the lower left corner: this moves.
fn mark(image: &mut RgbaImage) {
    let side = MARK.min(image.width() / 2).min(image.height() / 2);
    let top = image.height().saturating_sub(side);
    for y in 0..side {
        for x in 0..side {
            // The triangle's tip is at the right, in the middle of its height.
            let (left, half) = (side * 3 / 10, side / 2);
            let reach = half.saturating_sub(y.abs_diff(half));
            let is_triangle = x >= left && (x - left) < reach && y > side / 5 && y < side * 4 / 5;
            let colour = if is_triangle { Rgba([255, 255, 255, 255]) } else { Rgba([23, 25, 28, 255]) };
            image.put_pixel(x, top + y, colour);
        }
    }
}

/// As PNG where something is transparent or it is hardly larger (drawings), else as JPEG (photographs).
fn encode(pixels: RgbaImage) -> ImageResult<(Vec<u8>, &'static str)> {
    let is_opaque = pixels.pixels().all(|p| p.0[3] == 255);
    let (width, height) = pixels.dimensions();
    let mut png = vec![];
    if !is_opaque {
        PngEncoder::new(&mut png).write_image(&pixels, width, height, ExtendedColorType::Rgba8)?;
        return Ok((png, "image/png"));
    }
    let rgb = DynamicImage::ImageRgba8(pixels).into_rgb8();
    PngEncoder::new(&mut png).write_image(&rgb, width, height, ExtendedColorType::Rgb8)?;
    let mut jpeg = vec![];
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).write_image(&rgb, width, height, ExtendedColorType::Rgb8)?;
    Ok(if png.len() <= jpeg.len() + jpeg.len() / 4 { (png, "image/png") } else { (jpeg, "image/jpeg") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_stand_upright_as_their_camera_says() {
        let image =
            image::RgbImage::from_fn(
                64,
                32,
                |x, _| if x < 32 { image::Rgb([250, 250, 250]) } else { image::Rgb([0; 3]) },
            );
        let mut plain = vec![];
        JpegEncoder::new(&mut plain).encode_image(&image).expect("an image");
        // EXIF with one entry: orientation 6, to be turned clockwise.
        let exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&plain[..2], exif, &plain[2..]].concat();
        let small = |bytes: &[u8]| {
            let made = thumbnail(bytes, 16).expect("a thumbnail");
            (made.original, image::load_from_memory(&made.bytes).expect("an image").into_rgb8())
        };
        let ((size, lying), (turned_size, upright)) = (small(&plain), small(&turned));
        assert_eq!((size, turned_size), ((64, 32), (32, 64)));
        assert_eq!((lying.dimensions(), upright.dimensions()), ((16, 8), (8, 16)));
        // What was left is above.
        assert!(upright.get_pixel(4, 2).0[0] > 200 && upright.get_pixel(4, 13).0[0] < 60);
    }

    #[test]
    fn what_takes_too_much_memory_is_refused_before_it_is_taken() {
        // 49 megapixels of 16 bits and four channels: 392 MB, in a file of 33 bytes and an empty rest.
        let mut png = vec![];
        PngEncoder::new(&mut png).write_image(&[0; 8], 1, 1, ExtendedColorType::Rgba16).expect("an image");
        png[16..20].copy_from_slice(&7_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&7_000_u32.to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(&png[12..29]);
        png[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        let refused = thumbnail(&png, 160).expect_err("refused");
        assert!(refused.en.contains("256 MB of memory"), "{}", refused.en);
        png[16..20].copy_from_slice(&8_000_u32.to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(&png[12..29]);
        png[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        assert!(thumbnail(&png, 160).expect_err("refused").en.contains("56 megapixels"));
    }
}
