//! Writes drawings of few colours as PNG.

use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};

/// Pixels in rows of `width`, each the number of its colour in the palette, as a PNG.
pub fn png(width: usize, palette: &[[u8; 3]], pixels: &[u8]) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = [width, pixels.len() / width].map(|side| (side as u32).to_be_bytes());
    // 8 bits a pixel, colours from a palette, nothing interlaced.
    chunk(&mut png, b"IHDR", &[size.as_flattened(), &[8, 3, 0, 0, 0]].concat());
    chunk(&mut png, b"PLTE", palette.as_flattened());
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in pixels.chunks(width) {
        // Each row begins with its filter: none. Writing into memory does not fail.
        let _ = rows.write_all(&[0]).and_then(|()| rows.write_all(row));
    }
    chunk(&mut png, b"IDAT", &rows.finish().unwrap_or_default());
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(kind);
    png.extend(data);
    png.extend(crc.sum().to_be_bytes());
}
