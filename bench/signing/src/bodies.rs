//! Canonicalizing and hashing bodies, against SHA-256 of the same octets.

use std::error::Error;

use dkim::{Algo, BodyHash};
use sha2::{Digest, Sha256};

use crate::stopwatch;

const SIZES: [usize; 3] = [10_000, 100_000, 5_000_000];

/// Lines as each kind of body has them.
const KINDS: [(&str, &[u8]); 3] = [
    ("base64", b"TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdCwg\r\n"),
    ("html", b"<td class=\"cell\" style=\"color: #333\">\r\n  <a href=\"https://example.com/\">See the offer</a>\r\n</td>\r\n"),
    ("prose", b"It was the best of times, it was the worst of times, it was the age\r\nof wisdom, it was the age of foolishness.\r\n"),
];

/// Prints megabytes a second.
pub(crate) fn table() -> Result<(), Box<dyn Error>> {
    println!(
        "\n{:<18} {:>9} {:>9} {:>9}",
        "MB/s", "SHA-256", "simple", "relaxed"
    );
    for (name, lines) in KINDS {
        for size in SIZES {
            let body: Vec<u8> = lines.iter().copied().cycle().take(size).collect();
            let hash = |algo| move |body: &[u8]| *BodyHash::of(algo, body).digest();
            let (simple, relaxed) = (hash(Algo::Simple), hash(Algo::Relaxed));
            let times = stopwatch::interleaved([
                &mut || consume(Sha256::digest(&body).into()),
                &mut || consume(simple(&body)),
                &mut || consume(relaxed(&body)),
            ])?;
            let octets = f64::from(u32::try_from(size)?);
            let [plain, simple, relaxed] = times.map(|time| octets / time / 1e6);
            println!(
                "{:<18} {plain:>9.0} {simple:>9.0} {relaxed:>9.0}",
                format!("{name}, {size}")
            );
        }
    }
    Ok(())
}

fn consume(digest: [u8; 32]) -> Result<(), Box<dyn Error>> {
    std::hint::black_box(digest);
    Ok(())
}
