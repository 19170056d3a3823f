//! `cargo run --release -p dkim --example signature FOLDER`: writes a message, an RSA and an Ed25519 signature of its SHA-256
//! digest, and the public keys, for other programs to verify:
//!
//! ```sh
//! openssl dgst -sha256 -verify rsa.pem -signature rsa.sig message
//! openssl dgst -sha256 -binary message > digest
//! openssl pkeyutl -verify -rawin -pubin -inkey ed25519.pem -sigfile ed25519.sig -in digest
//! ```

use std::{error::Error, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use dkim::{SigningKey, keygen, keygen::RsaKeySearch};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use sha2::{Digest, Sha256};

const MESSAGE: &[u8] = b"a message that another program verifies\r\n";
/// What stands before the octets of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410 section 4).
const ED25519_HEAD: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("expected a folder, found none")?;
    let folder = Path::new(&folder);
    let mut rng = ChaCha8Rng::seed_from_u64(8463);
    let mut search = RsaKeySearch::new(2048)?;
    let rsa = std::iter::repeat_with(|| search.step(&mut rng)).find_map(|found| found);
    let rsa = rsa.ok_or("expected a key, found none")?;
    let ed25519 = keygen::ed25519(&mut rng);
    fs::write(folder.join("message"), MESSAGE)?;
    write(folder, "rsa", &rsa, &[], &mut rng)?;
    write(folder, "ed25519", &ed25519, &ED25519_HEAD, &mut rng)
}

fn write(
    folder: &Path,
    name: &str,
    key: &SigningKey,
    head: &[u8],
    rng: &mut ChaCha8Rng,
) -> Result<(), Box<dyn Error>> {
    let (_, public) = key
        .public_key_record()
        .split_once("p=")
        .ok_or("expected a key, found none")?;
    let public = STANDARD.decode(public).map_err(|error| error.to_string())?;
    let der = [head, &public].concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der)
    );
    let signature = key.sign_digest(&Sha256::digest(MESSAGE).into(), rng)?;
    fs::write(folder.join(name).with_extension("pem"), pem)?;
    Ok(fs::write(
        folder.join(name).with_extension("sig"),
        signature,
    )?)
}
