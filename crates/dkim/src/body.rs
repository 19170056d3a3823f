//! The hash of a body, in one pass: RFC 6376 sections 3.4.3, 3.4.4 and 3.7.
//!
//! Bodies come in chunks of any size, and each is looked at once: neither the body nor its canonical
//! form is ever held whole.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use crate::Algo;

/// Canonical octets gathered before they are hashed. Words are short, and each call to the hash
/// has a price of its own.
const BLOCK: usize = 4096;

/// Canonicalizes and hashes a body as its octets arrive.
#[derive(Clone, Debug)]
pub struct BodyHasher {
    algo: Algo,
    sink: Sink,
    received: u64,
    /// Line ends seen but not hashed: those that end the body are not part of it.
    held_lines: u64,
    /// White space seen but not hashed: it counts only if something follows on its line.
    held_space: bool,
    /// The last octet was a CR, which may or may not begin a line end.
    held_cr: bool,
    bare_line_break: Option<u64>,
}

/// The hash of one canonical body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyHash {
    algo: Algo,
    digest: [u8; 32],
    canonical_length: u64,
    bare_line_break: Option<u64>,
}

impl BodyHash {
    /// Hashes a body that is at hand whole.
    pub fn of(algo: Algo, body: &[u8]) -> Self {
        let mut hasher = BodyHasher::new(algo);
        hasher.update(body);
        hasher.finish()
    }

    /// The algorithm that canonicalized the body.
    pub fn algo(&self) -> Algo {
        self.algo
    }

    /// The SHA-256 of the canonical body: what `bh=` carries.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// How many octets the canonical body has: what `l=` counts.
    pub fn canonical_length(&self) -> u64 {
        self.canonical_length
    }

    /// Where the body has its first CR without LF or LF without CR, which no transport keeps.
    pub fn bare_line_break(&self) -> Option<u64> {
        self.bare_line_break
    }
}

impl BodyHasher {
    /// Begins an empty body.
    pub fn new(algo: Algo) -> Self {
        Self {
            algo,
            sink: Sink::new(),
            received: 0,
            held_lines: 0,
            held_space: false,
            held_cr: false,
            bare_line_break: None,
        }
    }

    /// Adds the next octets of the body.
    pub fn update(&mut self, mut chunk: &[u8]) {
        while let Some(&first) = chunk.first() {
            let taken = if self.is_plain(first) {
                self.verbatim_run(chunk)
            } else {
                self.special(first);
                1
            };
            self.received += u64::try_from(taken).unwrap_or(u64::MAX);
            chunk = chunk.get(taken..).unwrap_or_default();
        }
    }

    /// Ends the body.
    pub fn finish(mut self) -> BodyHash {
        self.release_cr();
        // Section 3.4.3 ends even an empty body with one CRLF; section 3.4.4 leaves it empty.
        if self.algo == Algo::Simple || self.sink.length > 0 {
            self.sink.write(b"\r\n");
        }
        BodyHash {
            algo: self.algo,
            canonical_length: self.sink.length,
            digest: self.sink.finish(),
            bare_line_break: self.bare_line_break,
        }
    }

    /// Whether an octet stands for itself wherever it is.
    fn is_plain(&self, octet: u8) -> bool {
        match octet {
            b'\r' | b'\n' => false,
            b' ' | b'\t' => self.algo == Algo::Simple,
            _ => true,
        }
    }

    /// Hashes a run of octets that the canonical body has as they are, which begins with a plain one.
    fn verbatim_run(&mut self, chunk: &[u8]) -> usize {
        let mut end = 0;
        loop {
            let rest = chunk.get(end..).unwrap_or_default();
            let plain = self.plain_octets(rest);
            let between = self.verbatim_between(rest.get(plain..).unwrap_or_default());
            end += plain + between;
            if between == 0 {
                break;
            }
        }
        let run = chunk.get(..end).unwrap_or(chunk);
        self.release_cr();
        self.content(run);
        run.len()
    }

    /// How many octets at the beginning are plain. Most come by eight.
    fn plain_octets(&self, octets: &[u8]) -> usize {
        let special = |octet: &u8| !self.is_plain(*octet);
        let (eights, rest) = octets.as_chunks::<8>();
        for (number, eight) in eights.iter().enumerate() {
            if self.may_be_special(*eight)
                && let Some(place) = eight.iter().position(special)
            {
                return 8 * number + place;
            }
        }
        let place = rest.iter().position(special);
        octets.len() - rest.len() + place.unwrap_or(rest.len())
    }

    /// Whether one of eight octets is as low as those that are not plain.
    fn may_be_special(&self, octets: [u8; 8]) -> bool {
        const ONES: u64 = u64::from_le_bytes([1; 8]);
        let above = match self.algo {
            Algo::Simple => b'\r' + 1,
            Algo::Relaxed => b' ' + 1,
        };
        let octets = u64::from_le_bytes(octets);
        // An octet borrows from its highest bit if it is lower, and had it already if it is no ASCII.
        octets.wrapping_sub(ONES * u64::from(above)) & !octets & (ONES << 7) != 0
    }

    /// How many octets stand as they are between two plain ones: a single space, or line ends.
    fn verbatim_between(&self, octets: &[u8]) -> usize {
        let (lines, _) = octets.as_chunks::<2>();
        let ends = lines.iter().take_while(|pair| *pair == b"\r\n").count();
        let length = match octets.first() {
            Some(b' ') => 1,
            _ => 2 * ends,
        };
        match octets.get(length) {
            Some(next) if self.is_plain(*next) => length,
            _ => 0,
        }
    }

    fn special(&mut self, octet: u8) {
        match octet {
            b'\n' if self.held_cr => self.line_end(),
            b'\n' => {
                self.note_bare(self.received);
                self.content(b"\n");
            }
            b'\r' => {
                self.release_cr();
                self.held_cr = true;
            }
            _ => {
                self.release_cr();
                self.held_space = true;
            }
        }
    }

    fn line_end(&mut self) {
        self.held_cr = false;
        self.held_space = false;
        self.held_lines += 1;
    }

    /// Hashes octets that are certain to be part of the body, and what was held before them.
    fn content(&mut self, octets: &[u8]) {
        while self.held_lines > 0 {
            self.sink.write(b"\r\n");
            self.held_lines -= 1;
        }
        if self.held_space {
            self.sink.write(b" ");
            self.held_space = false;
        }
        self.sink.write(octets);
    }

    /// A held CR that no LF followed is an octet like any other.
    fn release_cr(&mut self) {
        if self.held_cr {
            self.held_cr = false;
            self.note_bare(self.received.saturating_sub(1));
            self.content(b"\r");
        }
    }

    fn note_bare(&mut self, at: u64) {
        self.bare_line_break.get_or_insert(at);
    }
}

/// Hashes a body at most once for each algorithm, however many signatures there are.
pub(crate) struct BodyHashes<'a> {
    body: &'a [u8],
    simple: Option<BodyHash>,
    relaxed: Option<BodyHash>,
}

impl<'a> BodyHashes<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            simple: None,
            relaxed: None,
        }
    }

    pub(crate) fn get(&mut self, algo: Algo) -> BodyHash {
        let slot = match algo {
            Algo::Simple => &mut self.simple,
            Algo::Relaxed => &mut self.relaxed,
        };
        *slot.get_or_insert_with(|| BodyHash::of(algo, self.body))
    }
}

/// Gathers canonical octets into blocks and hashes those.
#[derive(Clone, Debug)]
struct Sink {
    hash: Sha256,
    block: Vec<u8>,
    length: u64,
}

impl Sink {
    fn new() -> Self {
        Self {
            hash: Sha256::new(),
            block: Vec::new(),
            length: 0,
        }
    }

    fn write(&mut self, octets: &[u8]) {
        self.length += u64::try_from(octets.len()).unwrap_or(u64::MAX);
        if self.block.len() + octets.len() > BLOCK {
            self.hash.update(&self.block);
            self.block.clear();
        }
        if octets.len() > BLOCK {
            self.hash.update(octets);
        } else {
            self.block.extend_from_slice(octets);
        }
    }

    fn finish(mut self) -> [u8; 32] {
        self.hash.update(&self.block);
        self.hash.finalize().into()
    }
}
