//! Width and height of an image, from the beginning of its file.

/// In pixels, as PNG, JPEG, GIF, WebP and BMP say it; `None` where `head` does not reach so far or is nothing of these.
#[must_use]
pub fn image_size(head: &[u8]) -> Option<(u32, u32)> {
    let size = match head {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => {
            [16, 20].map(|at| bytes(head, at).map(u32::from_be_bytes))
        }
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => {
            [6, 8].map(|at| bytes(head, at).map(u16::from_le_bytes).map(u32::from))
        }
        // Rows from the top down have a negative height.
        [b'B', b'M', ..] => [18, 22].map(|at| bytes(head, at).map(i32::from_le_bytes).map(i32::unsigned_abs)),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(head)?.map(Some),
        [0xFF, 0xD8, 0xFF, ..] => jpeg(head)?.map(Some),
        _ => return None,
    };
    let [width, height] = size;
    Some((width?, height?)).filter(|(width, height)| *width > 0 && *height > 0)
}

fn bytes<const N: usize>(head: &[u8], at: usize) -> Option<[u8; N]> {
    head.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Lossy, lossless and extended files say it in three ways.
fn webp(head: &[u8]) -> Option<[u32; 2]> {
    match head.get(12..16)? {
        b"VP8 " => {
            let side = |at| bytes(head, at).map(u16::from_le_bytes).map(|side| u32::from(side) & 0x3FFF);
            Some([side(26)?, side(28)?])
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(bytes(head, 21)?);
            Some([(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1])
        }
        b"VP8X" => {
            let side = |at| bytes::<3>(head, at).map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]) + 1);
            Some([side(24)?, side(27)?])
        }
        _ => None,
    }
}

/// In the segment that begins the frame; the ones before it are skipped.
fn jpeg(head: &[u8]) -> Option<[u32; 2]> {
    let mut at = 2;
    loop {
        let [0xFF, mark] = bytes(head, at)? else { return None };
        // Filling.
        if mark == 0xFF {
            at += 1;
            continue;
        }
        if matches!(mark, 0xC0..=0xCF) && ![0xC4, 0xC8, 0xCC].contains(&mark) {
            let side = |at| bytes(head, at).map(u16::from_be_bytes).map(u32::from);
            return Some([side(at + 7)?, side(at + 5)?]);
        }
        let length = u16::from_be_bytes(bytes(head, at + 2)?);
        at += 2 + usize::from(length.max(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_its_size_and_what_is_cut_says_none() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xE0\x08\x02\0\0\0".as_slice();
        let gif = b"GIF89a\x80\x02\xE0\x01\0\0\0".as_slice();
        let bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x80\x02\0\0\x20\xFE\xFF\xFF".as_slice();
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xFF\xC2\0\x0B\x08\x01\xE0\x02\x80\x01".as_slice();
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9D\x01\x2A\x80\x02\xE0\x01".as_slice();
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2F\x7F\xC2\x77\0".as_slice();
        let extended = b"RIFF\0\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\x7F\x02\0\xDF\x01\0".as_slice();
        for (name, head) in [
            ("png", png),
            ("gif", gif),
            ("bmp", bmp),
            ("jpeg", jpeg),
            ("lossy", lossy),
            ("lossless", lossless),
            ("extended", extended),
        ] {
            assert_eq!(image_size(head), Some((640, 480)), "{name}");
            assert_eq!(image_size(&head[..head.len() / 2]), None, "{name} cut");
        }
        for none in
            [b"".as_slice(), b"<svg width='9'/>", b"\xFF\xD8\xFF\xD9", b"GIF89a\0\0\0\0", b"RIFF\0\0\0\0WAVEfmt "]
        {
            assert_eq!(image_size(none), None, "{none:?}");
        }
    }
}
