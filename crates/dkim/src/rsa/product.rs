//! Products, column by column and without carries between the columns.
//!
//! A product of two loose digits is at most 2^46 * (1 + 2^-16). A column can add up 120 of them, and what was
//! carried into it, before it passes 2^53. A row of blocks adds four to a column, so after [`ROWS`] of them the
//! columns are settled.

use super::{
    digits::{Block, Number, Wide, settle},
    lanes::Lanes,
};

/// Most rows that are added to columns of at most 2^23 + 2^29.
pub(super) const ROWS: usize = 30;

/// The three highest digits of a block, which reach into the next one.
pub(super) type Reach = [Lanes; 3];

/// Adds the product of a block and a number to the columns, of which there is one block more than the number has.
/// `reach` is what stands below the number.
///
/// A macro, since it has to become part of its callers: the compiler would keep a function of this size apart, and to pass the
/// block through memory costs more than its calls do.
macro_rules! add_row {
    ($block:expr, $reach:expr, $number:expr, $columns:expr $(,)?) => {{
        let (block, mut reach): (Block, Reach) = ($block, $reach);
        let (fours, rest) = <[Block]>::as_chunks::<4>($number);
        if let Some((last, columns)) = <[Block]>::split_last_mut($columns) {
            let (columns, columns_rest) = columns.as_chunks_mut::<4>();
            for pair in fours.iter().zip(columns) {
                // Hides from the compiler that the next addresses follow from these, or it would compute all of them anew
                // from a common counter.
                let ([b0, b1, b2, b3], [c0, c1, c2, c3]) = core::hint::black_box(pair);
                reach = add_blocks(block, reach, *b0, c0);
                reach = add_blocks(block, reach, *b1, c1);
                reach = add_blocks(block, reach, *b2, c2);
                reach = add_blocks(block, reach, *b3, c3);
            }
            for (digits, columns) in rest.iter().zip(columns_rest) {
                reach = add_blocks(block, reach, *digits, columns);
            }
            add_reach(block, reach, last);
        }
    }};
}

pub(super) use add_row;

/// Writes the product of two numbers.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn multiply<const K: usize>(a: &Number<K>, b: &Number<K>, product: &mut Wide<K>) {
    *product = Wide::ZERO;
    let columns = product.0.as_flattened_mut();
    for (row, block) in a.0.iter().enumerate() {
        if row > 0 && row.is_multiple_of(ROWS) {
            settle_from(columns, row);
        }
        if let Some(columns) = columns.get_mut(row..=row + K) {
            add_row!(*block, [Lanes::ZERO; 3], &b.0, columns);
        }
    }
}

/// Writes the product of a number with itself.
///
/// Each product of two different digits is made once and counted twice. A column still adds up to what it does in
/// [`multiply`], though a row may add twice as much.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn square<const K: usize>(a: &Number<K>, product: &mut Wide<K>) {
    let rows = if K <= ROWS { ROWS } else { ROWS / 2 };
    *product = Wide::ZERO;
    let columns = product.0.as_flattened_mut();
    let mut rest = a.0.as_slice();
    let mut row = 0;
    while let Some((block, higher)) = rest.split_first() {
        if row > 0 && row % rows == 0 {
            settle_from(columns, 2 * row);
        }
        if let Some([low, high, ..]) = columns.get_mut(2 * row..) {
            add_block_square(*block, low, high);
        }
        if let Some(columns) = columns.get_mut(2 * row + 1..2 * row + 2 + higher.len()) {
            let doubled = block.map(|digit| digit.plus(digit));
            add_row!(doubled, [Lanes::ZERO; 3], higher, columns);
        }
        rest = higher;
        row += 1;
    }
}

/// Settles all columns but those of the lowest blocks.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn settle_from(columns: &mut [Block], block: usize) {
    if let Some(columns) = columns.get_mut(block..) {
        settle(columns.as_flattened_mut());
    }
}

/// Adds to four columns what a block has in them together with the three digits below.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn add_reach([_, a1, a2, a3]: Block, [b1, b2, b3]: Reach, columns: &mut Block) {
    let [c0, c1, c2, _] = columns;
    *c0 = c0
        .plus_product(b3, a1)
        .plus_product(b2, a2)
        .plus_product(b1, a3);
    *c1 = c1.plus_product(b3, a2).plus_product(b2, a3);
    *c2 = c2.plus_product(b3, a3);
}

/// Adds to four columns what two blocks, and the one below the second, have in them. Returns the reach of the
/// second into the next columns.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
pub(super) fn add_blocks(
    [a0, a1, a2, a3]: Block,
    [r1, r2, r3]: Reach,
    [b0, b1, b2, b3]: Block,
    columns: &mut Block,
) -> Reach {
    let [c0, c1, c2, c3] = *columns;
    let sum = |c: Lanes, [b0, b1, b2, b3]: Block| {
        let c = c.plus_product(b0, a0).plus_product(b1, a1);
        c.plus_product(b2, a2).plus_product(b3, a3)
    };
    *columns = [
        sum(c0, [b0, r3, r2, r1]),
        sum(c1, [b1, b0, r3, r2]),
        sum(c2, [b2, b1, b0, r3]),
        sum(c3, [b3, b2, b1, b0]),
    ];
    [b1, b2, b3]
}

#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "relaxed-simd"))]
fn add_block_square([a0, a1, a2, a3]: Block, low: &mut Block, high: &mut Block) {
    let [d0, d1, d2] = [a0.plus(a0), a1.plus(a1), a2.plus(a2)];
    let [c0, c1, c2, c3] = *low;
    *low = [
        c0.plus_product(a0, a0),
        c1.plus_product(d0, a1),
        c2.plus_product(d0, a2).plus_product(a1, a1),
        c3.plus_product(d0, a3).plus_product(d1, a2),
    ];
    let [c0, c1, c2, c3] = *high;
    *high = [
        c0.plus_product(d1, a3).plus_product(a2, a2),
        c1.plus_product(d2, a3),
        c2.plus_product(a3, a3),
        c3,
    ];
}
