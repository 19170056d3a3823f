//! The hash that is signed: selected header fields, then the signature field itself without its
//! signature (RFC 6376 sections 3.7 and 5.4.2).

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::ops::Range;

use sha2::{Digest, Sha256};

use crate::{Algo, HeaderSection, message::HeaderField};

/// Hashes the header fields that `h=` names.
pub(crate) struct HeaderHasher<'a> {
    headers: &'a HeaderSection<'a>,
    algo: Algo,
    hash: Sha256,
    /// How many fields of each name were hashed.
    used: Vec<(String, usize)>,
    left_out: Option<usize>,
    canonical: Vec<u8>,
}

impl<'a> HeaderHasher<'a> {
    pub(crate) fn new(headers: &'a HeaderSection<'a>, algo: Algo) -> Self {
        Self {
            headers,
            algo,
            hash: Sha256::new(),
            used: Vec::new(),
            left_out: None,
            canonical: Vec::new(),
        }
    }

    /// Leaves out the field at a place, which is the signature being verified: a signature never
    /// covers itself by name.
    pub(crate) fn leave_out(&mut self, at: usize) {
        self.left_out = Some(at);
    }

    /// Hashes a field for each name. The n-th time a name comes it stands for the n-th field of that
    /// name from the bottom, and for nothing where there is none.
    pub(crate) fn signed_fields<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        for name in names {
            let earlier = self.count(name);
            if let Some(field) = self.field(name, earlier) {
                self.canonical.clear();
                self.algo.header_field(field.raw, &mut self.canonical);
                self.canonical.extend_from_slice(b"\r\n");
                self.hash.update(&self.canonical);
            }
        }
    }

    /// Hashes the signature field, which has no value of `b=` and no final CRLF, and ends.
    pub(crate) fn finish(mut self, signature: &[u8]) -> [u8; 32] {
        self.canonical.clear();
        self.algo.header_field(signature, &mut self.canonical);
        self.hash.update(&self.canonical);
        self.hash.finalize().into()
    }

    fn field(&self, name: &str, earlier: usize) -> Option<&'a HeaderField<'a>> {
        let others = self
            .headers
            .named(name)
            .filter(|(at, _)| Some(*at) != self.left_out);
        others.map(|(_, field)| field).nth(earlier)
    }

    /// How often the name came before.
    fn count(&mut self, name: &str) -> usize {
        let known = self
            .used
            .iter_mut()
            .find(|(used, _)| used.eq_ignore_ascii_case(name));
        let Some((_, count)) = known else {
            self.used.push((name.to_owned(), 1));
            return 0;
        };
        *count += 1;
        *count - 1
    }
}

/// A signature field without the value of `b=`, which is at `place` in the field's body.
pub(crate) fn without_signature(field: &HeaderField<'_>, place: &Range<usize>) -> Vec<u8> {
    let body = field.raw.len() - field.body.len();
    let before = field.raw.get(..body + place.start).unwrap_or_default();
    let after = field.raw.get(body + place.end..).unwrap_or_default();
    [before, after].concat()
}
