//! Writes header fields, folded (RFC 5322 sections 2.1.1 and 2.2.3).

/// The length that lines stay within wherever white space allows.
pub(crate) const FOLD_AT: usize = 78;

/// One header field being written at the end of a message.
///
/// Lines break only before white space that the field has anyway, so unfolding gives the field as it was meant.
pub(crate) struct FieldWriter<'out> {
    out: &'out mut String,
    column: usize,
    // Nothing but the name or the indent is on the line yet, so breaking it would leave a line of white space.
    at_line_start: bool,
}

impl<'out> FieldWriter<'out> {
    /// Starts a field with its name and colon.
    pub(crate) fn start(out: &'out mut String, name: &str) -> Self {
        out.push_str(name);
        out.push(':');
        Self {
            out,
            column: name.len() + 1,
            at_line_start: true,
        }
    }

    /// Writes white space, broken before if `word` and the `reserved` octets after it need another line, and `word`.
    pub(crate) fn word(&mut self, space: &str, word: &str, reserved: usize) {
        let end = self.column + space.len() + word.len() + reserved;
        if end > FOLD_AT && !self.at_line_start {
            self.break_line();
        }
        self.glue(space);
        self.glue(word);
        self.at_line_start = false;
    }

    /// Writes what may not be separated from what stands before it.
    pub(crate) fn glue(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }

    /// Ends the line; what is written next must start with white space.
    pub(crate) fn break_line(&mut self) {
        self.out.push_str("\r\n");
        self.column = 0;
        self.at_line_start = true;
    }

    /// How many octets are on the line so far.
    pub(crate) fn column(&self) -> usize {
        self.column
    }

    /// Ends the field.
    pub(crate) fn end(self) {
        self.out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_before_the_word_that_does_not_fit() {
        let mut out = String::new();
        let mut field = FieldWriter::start(&mut out, "X");
        field.word(" ", &"a".repeat(40), 0);
        field.word(" ", &"b".repeat(34), 0);
        field.word(" ", "c", 0);
        field.end();
        let (a, b) = ("a".repeat(40), "b".repeat(34));
        assert_eq!(out, format!("X: {a} {b}\r\n c\r\n"));
    }

    #[test]
    fn no_line_is_left_with_white_space_only() {
        let mut out = String::new();
        let mut field = FieldWriter::start(&mut out, "X");
        let long = "a".repeat(100);
        field.word(" ", &long, 0);
        field.word(" ", &long, 0);
        field.end();
        assert_eq!(out, format!("X: {long}\r\n {long}\r\n"));
    }
}
