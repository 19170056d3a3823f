//! What the tokenizer reads.

use std::convert::Infallible;

use html5gum::{Readable, Reader, StringReader};

/// Read behind the HTML: if the tokenizer says that a tag opens there, one may stand there.
const PROBE: &str = "<img>";

/// An HTML body and the probe behind it.
#[derive(Debug)]
pub(crate) struct Input<'h> {
    html: StringReader<'h>,
    // Octets of the HTML that are not read yet.
    left: usize,
    probe: StringReader<'static>,
}

impl<'h> Input<'h> {
    pub(crate) fn new(html: &'h str) -> Self {
        Self {
            html: html.to_reader(),
            left: html.len(),
            probe: PROBE.to_reader(),
        }
    }
}

impl Reader for Input<'_> {
    type Error = Infallible;

    #[inline]
    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        if self.left == 0 {
            return self.probe.read_byte();
        }
        self.left -= 1;
        self.html.read_byte()
    }

    // What is asked for has no part that begins the probe, so it is nowhere across the end of the HTML.
    #[inline]
    fn try_read_string(&mut self, wanted: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let is_next = self.html.try_read_string(wanted, case_sensitive)?;
        if is_next {
            self.left -= wanted.len();
        }
        Ok(is_next)
    }

    #[inline]
    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        buffer: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, Infallible> {
        if self.left == 0 {
            return self.probe.read_until(needle, buffer);
        }
        let read = self.html.read_until(needle, buffer)?;
        self.left -= read.map_or(0, <[u8]>::len);
        Ok(read)
    }
}
