//! The rules by the first octet of their patterns. Made at compile time.
#![expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, where an index out of bounds is an error of the compiler"
)]

use super::{Place, Rule};

/// Numbers of rules, those with the same first octet together.
pub(crate) struct Index<const N: usize> {
    /// Where the numbers for each octet begin; they end where those for the next begin.
    starts: [u16; 257],
    /// The numbers. Those for one octet are in the order of the rules.
    numbers: [u16; N],
}

/// The numbers of the rules whose patterns begin with this octet.
pub(crate) fn candidates<const N: usize>(index: &'static Index<N>, first: u8) -> &'static [u16] {
    let place = usize::from(first);
    let start = index.starts[place];
    let end = index.starts[place + 1];
    index
        .numbers
        .get(usize::from(start)..usize::from(end))
        .unwrap_or_default()
}

/// The rules whose patterns begin there. Sorts by counting.
pub(crate) const fn of<const N: usize>(rules: &[Rule; N], place: Place) -> Index<N> {
    let mut starts = [0; 257];
    let mut numbers = [0; N];
    let mut filled = 0;
    let mut octet = 0;
    while octet < 256 {
        starts[octet] = filled;
        let mut at = 0;
        while at < N {
            let rule = &rules[at];
            if is_in(rule, place) && begins_with(rule, octet) {
                numbers[to_usize(filled)] = rules[at].number;
                filled += 1;
            }
            at += 1;
        }
        octet += 1;
    }
    starts[256] = filled;
    Index { starts, numbers }
}

const fn is_in(rule: &Rule, place: Place) -> bool {
    matches!(
        (rule.place(), place),
        (Place::AtWord, Place::AtWord)
            | (Place::Anywhere, Place::Anywhere)
            | (Place::OtherField, Place::OtherField)
    )
}

const fn begins_with(rule: &Rule, octet: usize) -> bool {
    to_usize_octet(rule.pattern.as_bytes()[0]) == octet
}

#[expect(clippy::as_conversions, reason = "`From` is not const; this widens")]
const fn to_usize(number: u16) -> usize {
    number as usize
}

#[expect(clippy::as_conversions, reason = "`From` is not const; this widens")]
const fn to_usize_octet(octet: u8) -> usize {
    octet as usize
}
