//! Names of elements and attributes, as far as they matter.

/// Longer than any name that is looked for.
const CAPACITY: usize = 24;

/// A name in lower case. One that is longer than any that matters equals none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Name {
    octets: [u8; CAPACITY],
    // Past the capacity it only says that the name is too long.
    len: usize,
}

impl Name {
    pub(crate) fn push(&mut self, octets: &[u8]) {
        let end = self.len.saturating_add(octets.len());
        if let Some(place) = self.octets.get_mut(self.len..end) {
            place.copy_from_slice(octets);
        }
        self.len = end;
    }

    /// Empty if the name is too long, which no name is.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.as_bytes() == name.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[track_caller]
    fn check(pieces: &[&str], expected: &str) {
        let mut name = Name::default();
        for piece in pieces {
            name.push(piece.as_bytes());
        }
        assert_eq!(name.as_bytes(), expected.as_bytes());
    }

    #[test]
    fn pieces_are_joined_and_a_name_too_long_is_none() {
        check(&[], "");
        check(&["a"], "a");
        check(&["annotation", "-", "xml"], "annotation-xml");
        check(&["a23456789012345678901234"], "a23456789012345678901234");
        check(&["a234567890123456789012345"], "");
        check(&["a23456789012345678901234", "5"], "");
        check(&["a234567890123456789012345", "a"], "");
    }
}
