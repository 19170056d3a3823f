//! Tables that are printed row by row, as long runs get on.

use crate::progress;

const NARROWEST: usize = 8;

/// The widths of a table whose head is printed.
pub(crate) struct Table(Vec<usize>);

impl Table {
    /// Prints a title and the head. A column is as wide as its head, so pad the first one for what will stand below it.
    pub(crate) fn begin(title: &str, heads: &[&str]) -> Self {
        let widths = heads.iter().map(|head| head.chars().count().max(NARROWEST));
        let table = Self(widths.collect());
        println!("\n{title}\n");
        table.row(&heads.iter().map(ToString::to_string).collect::<Vec<_>>());
        table
    }

    /// Prints a row: its first cell to the left, the others to the right.
    pub(crate) fn row(&self, cells: &[String]) {
        progress::clear();
        let padded = cells.iter().zip(&self.0).enumerate();
        let padded = padded.map(|(column, (cell, &width))| {
            if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A figure, or a dash where there is none.
pub(crate) fn cell(figure: f64, decimals: usize) -> String {
    if figure.is_finite() {
        format!("{figure:.decimals$}")
    } else {
        "–".to_owned()
    }
}
