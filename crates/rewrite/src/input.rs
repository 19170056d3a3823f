//! What the tokenizer reads.

use std::convert::Infallible;

use html5gum::Reader;

/// Read behind the HTML: if the tokenizer says that a tag opens there, one may stand there.
const PROBE: &[u8] = b"<img>";

/// An HTML body and the probe behind it.
#[derive(Debug)]
pub(crate) struct Input<'h> {
    rest: &'h [u8],
    probe: &'h [u8],
}

impl<'h> Input<'h> {
    pub(crate) const fn new(html: &'h str) -> Self {
        Self {
            rest: html.as_bytes(),
            probe: PROBE,
        }
    }

    fn advance(&mut self) {
        if self.rest.is_empty() {
            self.rest = std::mem::take(&mut self.probe);
        }
    }
}

impl Reader for Input<'_> {
    type Error = Infallible;

    #[inline]
    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        self.advance();
        let Some((first, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        self.rest = rest;
        Ok(Some(*first))
    }

    // What is asked for begins no probe, so it is nowhere across the end of the HTML.
    #[inline]
    fn try_read_string(&mut self, wanted: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let Some((start, rest)) = self.rest.split_at_checked(wanted.len()) else {
            return Ok(false);
        };
        let equal = start == wanted || !case_sensitive && start.eq_ignore_ascii_case(wanted);
        if equal {
            self.rest = rest;
        }
        Ok(equal)
    }

    #[inline]
    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        _: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, Infallible> {
        self.advance();
        let end = self.rest.iter().position(|octet| needle.contains(octet));
        let end = end.unwrap_or(self.rest.len()).max(1);
        let Some((found, rest)) = self.rest.split_at_checked(end) else {
            return Ok(None);
        };
        self.rest = rest;
        Ok(Some(found))
    }
}
