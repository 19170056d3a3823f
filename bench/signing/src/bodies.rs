//! Canonicalizing and hashing bodies, against SHA-256 of the same octets.

use dkim::{Algo, BodyHash};
use sha2::{Digest, Sha256};

use crate::{Failure, Figure, stopwatch};

const SIZES: [(usize, &str); 3] = [(10_000, "10 KB"), (100_000, "100 KB"), (5_000_000, "5 MB")];

/// Lines as each kind of body has them.
const KINDS: [(&str, &[u8]); 3] = [
    ("base64", b"TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdCwg\r\n"),
    ("html", b"<td class=\"cell\" style=\"color: #333\">\r\n  <a href=\"https://example.com/\">See the offer</a>\r\n</td>\r\n"),
    ("prose", b"It was the best of times, it was the worst of times, it was the age\r\nof wisdom, it was the age of foolishness.\r\n"),
];

/// Megabytes a second for each.
pub(crate) fn figures(rounds: usize) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for (kind, lines) in KINDS {
        for (octets, size) in SIZES {
            let body: Vec<u8> = lines.iter().copied().cycle().take(octets).collect();
            figures.extend(of_body(&format!("{kind}, {size}"), &body, rounds)?);
        }
    }
    Ok(figures)
}

fn of_body(subject: &str, body: &[u8], rounds: usize) -> Result<[Figure; 3], Failure> {
    let hash = |algo| consume(*BodyHash::of(algo, body).digest());
    let [plain, simple, relaxed] = stopwatch::interleaved(
        rounds,
        [
            &mut || consume(Sha256::digest(body).into()),
            &mut || hash(Algo::Simple),
            &mut || hash(Algo::Relaxed),
        ],
    )?;
    let octets = f64::from(u32::try_from(body.len())?);
    let figure = |way, seconds: f64| Figure::new(subject, way, octets / seconds / 1e6);
    Ok([
        figure("SHA-256", plain),
        figure("simple", simple),
        figure("relaxed", relaxed),
    ])
}

fn consume(digest: [u8; 32]) -> Result<(), Failure> {
    std::hint::black_box(digest);
    Ok(())
}
