//! The key that secrets are kept under: a file in the data folder that only its owner reads, made when it is first needed. A secret is bound to
//! the address of its receiver, so that whoever changes the address in the database gets nothing signed.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use domain::{
    Error, Result,
    error::Sentence,
    webhook::{SealedSecret, WebhookSecret},
};
use sha2::{Digest, Sha256};

use super::sentences;

/// The first byte of what is kept, so that another way can be told from this one.
const FORMAT: u8 = 1;
/// The first bytes of the SHA-256 of the key: which one it was.
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const KEY: usize = 32;

pub(super) struct KeyFile(Arc<Path>);

impl KeyFile {
    pub(super) fn in_folder(data: &Path) -> Self {
        Self(data.join("webhook.key").into())
    }

    fn shown(&self) -> String {
        self.0.display().to_string()
    }

    /// Encrypts a secret.
    pub(super) async fn seal(&self, secret: &WebhookSecret, url: &str) -> Result<SealedSecret> {
        let key = match self.read().await? {
            Some(key) => key,
            None => self.make().await?,
        };
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| Error::unavailable(sentences::no_random()).with_detail(e))?;
        let payload = Payload { msg: secret.0.as_bytes(), aad: url.as_bytes() };
        let encrypted = XChaCha20Poly1305::new(&key.into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal(sentences::secret_damaged()))?;
        Ok(SealedSecret([&[FORMAT][..], &key_id(&key), &nonce, &encrypted].concat()))
    }

    /// Decrypts a secret.
    pub(super) async fn open(&self, sealed: &SealedSecret, url: &str) -> Result<WebhookSecret> {
        let key = self.read().await?.ok_or_else(|| Error::unavailable(sentences::no_key(self.shown())))?;
        let damaged = || Error::unavailable(sentences::secret_damaged());
        let rest = sealed.0.strip_prefix(&[FORMAT]).ok_or_else(damaged)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or_else(damaged)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        if *id != key_id(&key) {
            return Err(Error::unavailable(sentences::other_key(self.shown())));
        }
        let payload = Payload { msg: encrypted, aad: url.as_bytes() };
        let secret = XChaCha20Poly1305::new(&key.into()).decrypt(&XNonce::from(*nonce), payload);
        let secret = secret.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        secret.map(WebhookSecret).ok_or_else(damaged)
    }

    /// The key; `None` where there is no file.
    async fn read(&self) -> Result<Option<[u8; KEY]>> {
        let path = Arc::clone(&self.0);
        let text = blocking(move || read_file(&path)).await;
        match text {
            Ok(text) => {
                let key = from_hex(text.trim());
                key.map(Some).ok_or_else(|| Error::unavailable(sentences::no_key(self.shown())))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => {
                Err(Error::unavailable(sentences::key_not_read(self.shown(), &Sentence::from_io(&e))).with_detail(e))
            }
        }
    }

    /// Makes a key; where somebody else just did, theirs is the one.
    async fn make(&self) -> Result<[u8; KEY]> {
        let path = Arc::clone(&self.0);
        let made = blocking(move || make_file(&path)).await;
        made.map_err(|e| {
            Error::unavailable(sentences::key_not_made(self.shown(), &Sentence::from_io(&e))).with_detail(e)
        })?;
        self.read().await?.ok_or_else(|| Error::unavailable(sentences::no_key(self.shown())))
    }
}

fn key_id(key: &[u8; KEY]) -> [u8; KEY_ID] {
    let hash: [u8; 32] = Sha256::digest(key).into();
    std::array::from_fn(|i| hash[i])
}

fn from_hex(text: &str) -> Option<[u8; KEY]> {
    let mut key = [0; KEY];
    if text.len() != KEY * 2 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(key)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(io::Error::other(e)))
}

#[expect(clippy::disallowed_methods, reason = "on a blocking thread")]
fn read_file(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

/// Written beside and linked, so that it is there as a whole, and once.
#[expect(clippy::disallowed_methods, reason = "on a blocking thread")]
fn make_file(path: &Path) -> io::Result<()> {
    let mut key = [0_u8; KEY];
    getrandom::fill(&mut key).map_err(|e| io::Error::other(e.to_string()))?;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut name = [0_u8; 8];
    getrandom::fill(&mut name).map_err(|e| io::Error::other(e.to_string()))?;
    let beside: PathBuf = path.with_extension(format!("key.{}", hex(&name)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        writeln!(file, "{}", hex(&key))?;
        file.sync_all()
    });
    let linked = written.and_then(|()| match fs::hard_link(&beside, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let _ = fs::remove_file(&beside);
    linked?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
