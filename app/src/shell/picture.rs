//! Whether bytes are the beginning of a picture that browsers draw. What only begins like one would be a broken picture on the page.

/// What the beginning of a file says that it is, as a media type that browsers draw and never run: its structure is followed as far as
/// the bytes go. `whole` is the size of the file, where that is known.
#[must_use]
pub fn picture_type(head: &[u8], whole: Option<u64>) -> Option<&'static str> {
    let file = Beginning { head, whole };
    match head {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => file.png().then_some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => file.jpeg().then_some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => file.gif().then_some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => file.webp().then_some("image/webp"),
        _ => None,
    }
}

struct Beginning<'a> {
    head: &'a [u8],
    whole: Option<u64>,
}

impl Beginning<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.head.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    /// Whether the file goes on at `at`, if behind what is known of it.
    fn reaches(&self, at: usize) -> bool {
        match self.whole {
            Some(whole) => (at as u64) < whole,
            None => true,
        }
    }

    /// Chunks with a length, a name and a checksum: first of all the size of the picture.
    fn png(&self) -> bool {
        let mut at = 8;
        let mut seen_data = false;
        while let (Some(length), Some(name)) = (self.bytes(at).map(u32::from_be_bytes), self.bytes::<4>(at + 4)) {
            let end = at + 8 + length as usize;
            if let (Some(chunk), Some(sum)) = (self.head.get(at + 4..end), self.bytes(end).map(u32::from_be_bytes))
                && crc32(chunk) != sum
            {
                return false;
            }
            let is_first = at == 8;
            let size = [8, 12].map(|i| self.bytes(at + i).map_or(0, u32::from_be_bytes));
            match &name {
                b"IHDR" if is_first && length == 13 && !size.contains(&0) => {}
                _ if is_first => return false,
                b"IDAT" => seen_data = true,
                b"IEND" => return seen_data,
                name if !name.iter().all(u8::is_ascii_alphabetic) => return false,
                _ => {}
            }
            // The next chunk begins with twelve bytes at least.
            if !self.reaches(end + 4 + 11) {
                return false;
            }
            at = end + 4;
        }
        at > 8 && self.reaches(self.head.len())
    }

    /// Segments with a mark and a length up to the picture's data, which comes behind its size.
    fn jpeg(&self) -> bool {
        let (mut at, mut sized) = (2, false);
        while let Some([0xFF, mark]) = self.bytes(at) {
            // Filling.
            if mark == 0xFF {
                at += 1;
                continue;
            }
            let Some(length) = self.bytes(at + 2).map(u16::from_be_bytes) else { break };
            match mark {
                0xDA => return sized && self.reaches(at + 2 + usize::from(length)),
                0xC0..=0xCF if ![0xC4, 0xC8, 0xCC].contains(&mark) => {
                    let width = self.bytes(at + 7).map_or(1, u16::from_be_bytes);
                    sized = length >= 11 && width > 0;
                }
                0x00..=0xBF | 0xD0..=0xD9 => return false,
                _ => {}
            }
            if length < 2 {
                return false;
            }
            at += 2 + usize::from(length);
        }
        at >= self.head.len().saturating_sub(3) && self.reaches(at)
    }

    /// A size, colours, and then an extension or a picture.
    fn gif(&self) -> bool {
        let Some([w0, w1, h0, h1, flags]) = self.bytes(6) else { return false };
        let colours = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
        let next = self.head.get(13 + colours);
        (w0 | w1) > 0 && (h0 | h1) > 0 && matches!(next, Some(0x21 | 0x2C))
    }

    fn webp(&self) -> bool {
        let size = self.bytes(4).map_or(0, u32::from_le_bytes);
        let fits = self.whole.is_none_or(|whole| u64::from(size) + 8 <= whole);
        let begins = match self.head.get(12..16) {
            Some(b"VP8 ") => self.bytes(23) == Some([0x9D, 0x01, 0x2A]),
            Some(b"VP8L") => self.bytes(20) == Some([0x2F]),
            Some(b"VP8X") => self.bytes(16).map(u32::from_le_bytes) == Some(10),
            _ => false,
        };
        fits && begins
    }
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |s, _| if s & 1 == 1 { (s >> 1) ^ 0xEDB8_8320 } else { s >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let named = [name.as_slice(), data].concat();
        let sum = crc32(&named).to_be_bytes();
        [(data.len() as u32).to_be_bytes().as_slice(), &named, &sum].concat()
    }

    fn png() -> Vec<u8> {
        let size = chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
        [b"\x89PNG\r\n\x1a\n".as_slice(), &size, &chunk(b"IDAT", &[1, 2, 3]), &chunk(b"IEND", &[])].concat()
    }

    const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\x00\x04ab\xFF\xC0\x00\x0B\x08\x00\x02\x00\x02\x01\x01\x11\x00\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00data\xFF\xD9";
    const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xFF\xFF\xFF\x2C....";
    const WEBP: &[u8] =
        b"RIFF\x1A\x00\x00\x00WEBPVP8L\x0D\x00\x00\x00\x2F\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xFE\x07\x00";

    #[test]
    fn pictures_are_known_whole_and_by_their_beginning() {
        let png = png();
        for (bytes, kind) in [(&*png, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")] {
            assert_eq!(picture_type(bytes, Some(bytes.len() as u64)), Some(kind));
            assert_eq!(picture_type(bytes, None), Some(kind));
        }
        assert_eq!(picture_type(&png[..50], Some(png.len() as u64)), Some("image/png"));
        assert_eq!(picture_type(&JPEG[..10], Some(JPEG.len() as u64)), Some("image/jpeg"));
    }

    #[test]
    fn what_is_none_is_told_by_more_than_its_name_and_first_bytes() {
        for other in [&b"<svg xmlns"[..], b"<html>", b"", b"RIFF1234WAVE", b"\x89PNG"] {
            assert_eq!(picture_type(other, None), None);
        }
        let junk: Vec<u8> = (0..4_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let png = png();
        for head in [&png[..8], &png[..33], &JPEG[..3], &JPEG[..8], &GIF[..6], &WEBP[..12]] {
            let bytes = [head, &junk].concat();
            assert_eq!(picture_type(&bytes, Some(bytes.len() as u64)), None, "{} bytes", head.len());
        }
        // One that broke off, and one whose size was tampered with.
        assert_eq!(picture_type(&png[..40], Some(40)), None);
        let mut changed = png.clone();
        changed[19] = 9;
        assert_eq!(picture_type(&changed, None), None);
    }
}
