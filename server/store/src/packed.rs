//! Things as rows keep them whole: JSON packed with zstd. Both are work, done beside the runtime.

use std::{io::Read, sync::Arc};

use domain::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

use crate::sentences;

/// The fastest level of zstd: most of the gain is that keys of JSON repeat.
const LEVEL: i32 = 1;
/// No body unpacks to more, in bytes; what does was not written by us.
const MOST_UNPACKED: u64 = 256 << 20;

/// The things with their ids, packed.
///
/// # Errors
/// `Internal` when one cannot be written.
pub async fn pack<T>(things: Vec<Arc<T>>, id: fn(&T) -> &str) -> Result<Vec<(String, Vec<u8>)>>
where
    T: Serialize + Send + Sync + 'static,
{
    let pack = move || {
        let mut zstd = zstd::bulk::Compressor::new(LEVEL)?;
        let mut row = |thing: &T| {
            let json = serde_json::to_vec(thing)?;
            Ok::<_, std::io::Error>((id(thing).to_owned(), zstd.compress(&json)?))
        };
        things.iter().map(|thing| row(thing)).collect()
    };
    let unwritten = |e: &dyn ToString| Error::internal(sentences::no_copy_kept()).with_detail(e.to_string());
    let packed: std::io::Result<_> = tokio::task::spawn_blocking(pack).await.map_err(|e| unwritten(&e))?;
    packed.map_err(|e| unwritten(&e))
}

/// The things again. What cannot be read, such as what a later program wrote, is left out.
pub async fn unpack<T: DeserializeOwned + Send + 'static>(bodies: Vec<Vec<u8>>) -> Vec<T> {
    let thing = |body: &Vec<u8>| {
        let mut json = vec![];
        let unpacked = zstd::stream::read::Decoder::with_buffer(body.as_slice()).ok()?;
        unpacked.take(MOST_UNPACKED).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    };
    let unpack = move || bodies.iter().filter_map(thing).collect();
    tokio::task::spawn_blocking(unpack).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_read_is_left_out() {
        let things: Vec<Arc<String>> = ["a", "b"].map(|t| Arc::new(t.to_owned())).into();
        let rows = pack(things, |t| t).await.expect("rows");
        let mut bodies: Vec<Vec<u8>> = rows.into_iter().map(|r| r.1).collect();
        bodies.insert(1, b"garbage".to_vec());
        bodies.push(zstd::bulk::compress(b"{}", LEVEL).expect("packed"));
        assert_eq!(unpack::<String>(bodies).await, ["a", "b"]);
    }
}
