//! Lays out tables so that they fit the screen.

use std::borrow::Cow;
use std::collections::BTreeSet;

use hh_text::one_line;

use super::screen::Screen;
use super::width::{columns, cut};

/// The number of spaces between columns.
const GAP: usize = 2;
/// The width to which text is truncated before columns are dropped.
const MIN_TEXT: usize = 16;
/// The minimum length of a shortened id, in characters.
const MIN_ID: usize = 8;

/// A column of a table.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    kind: Kind,
    /// The rank of a column that can be dropped. The highest rank is dropped first.
    rank: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text that can be cut.
    Text,
    /// An id that is shortened to a unique prefix on a narrow screen.
    Id,
    /// Text that is useless if it is truncated.
    Whole,
}

impl Column {
    const fn new(title: &'static str, kind: Kind) -> Self {
        Self {
            title,
            kind,
            rank: 0,
        }
    }

    /// Creates a column of text that is truncated if the table is too wide.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self::new(title, Kind::Text)
    }

    /// Creates a column of ids that are shortened on a screen. Commands must accept the shortened ids.
    pub(crate) const fn id(title: &'static str) -> Self {
        Self::new(title, Kind::Id)
    }

    /// Creates a column of text that is not truncated before columns are dropped.
    pub(crate) const fn whole(title: &'static str) -> Self {
        Self::new(title, Kind::Whole)
    }

    /// Returns a column that is dropped if the table is too wide, after all columns of higher ranks.
    pub(crate) const fn optional(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A table with one row of cells for each object.
pub(crate) struct Table<const N: usize> {
    columns: [Column; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// Creates a table. Unsafe characters in cells are replaced.
    pub(crate) fn new<'a, C: Into<Cow<'a, str>>>(
        columns: [Column; N],
        rows: impl IntoIterator<Item = [C; N]>,
    ) -> Self {
        let rows = rows
            .into_iter()
            .map(|row| row.map(|cell| clean(cell.into())));
        Self {
            columns,
            rows: rows.collect(),
        }
    }

    /// Returns the lines of the table, the header first.
    pub(crate) fn lines(mut self, screen: &Screen) -> Vec<String> {
        if screen.width().is_some() {
            self.shorten_ids();
        }
        let natural = self.natural_widths();
        let widths = match screen.width() {
            Some(width) => fit(&self.columns, natural, width),
            None => natural.map(Some),
        };
        let header = self.columns.map(|column| column.title.to_owned());
        let rows = std::iter::once(&header).chain(&self.rows);
        let line = |row| line(row, widths);
        match screen.width() {
            // The last resort, if even the columns that cannot be dropped are too wide.
            Some(width) => rows
                .map(line)
                .map(|line| cut(&line, width).into_owned())
                .collect(),
            None => rows.map(line).collect(),
        }
    }

    /// Shortens the ids in each column to their shortest unique prefix.
    fn shorten_ids(&mut self) {
        for (at, column) in self.columns.iter().enumerate() {
            if column.kind != Kind::Id {
                continue;
            }
            let ids: BTreeSet<_> = self.rows.iter().map(|row| row[at].clone()).collect();
            let length = unique_length(&ids);
            for row in &mut self.rows {
                if let Some((end, _)) = row[at].char_indices().nth(length) {
                    row[at].truncate(end);
                }
            }
        }
    }

    fn natural_widths(&self) -> [usize; N] {
        let mut widths = self.columns.map(|column| columns(column.title));
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(cell));
            }
        }
        widths
    }
}

/// Returns the length of the shortest prefixes that differ for all ids, in characters.
fn unique_length(ids: &BTreeSet<String>) -> usize {
    // In a sorted set, the longest common prefix is one of two neighbors.
    let neighbors = ids.iter().zip(ids.iter().skip(1));
    let common =
        neighbors.map(|(a, b)| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count());
    common.max().map_or(MIN_ID, |common| MIN_ID.max(common + 1))
}

/// Returns the width of each column so that the table fits, or `None` for a column that is dropped.
fn fit<const N: usize>(
    columns: &[Column; N],
    natural: [usize; N],
    width: usize,
) -> [Option<usize>; N] {
    let mut widths = natural.map(Some);
    loop {
        if cut_text(columns, &mut widths, width, MIN_TEXT) {
            return widths;
        }
        let present = columns.iter().zip(&widths).enumerate();
        let optional = present.filter(|(_, (column, width))| column.rank > 0 && width.is_some());
        let Some((dropped, _)) = optional.max_by_key(|(_, (column, _))| column.rank) else {
            cut_text(columns, &mut widths, width, 1);
            return widths;
        };
        widths[dropped] = None;
    }
}

/// Cuts the widest text columns to a common width of at least `min`. Returns whether the table fits.
fn cut_text<const N: usize>(
    columns: &[Column; N],
    widths: &mut [Option<usize>; N],
    width: usize,
    min: usize,
) -> bool {
    let total = |limit: usize| {
        let widths = columns.iter().zip(&*widths);
        let shown = widths.filter_map(|(column, width)| {
            let width = (*width)?;
            Some(
                GAP + if column.kind == Kind::Text {
                    width.min(limit)
                } else {
                    width
                },
            )
        });
        shown.sum::<usize>().saturating_sub(GAP)
    };
    if total(usize::MAX) <= width {
        return true;
    }
    let fits = total(min) <= width;
    if !fits && min > 1 {
        return false;
    }
    // No limit above the width of the screen can fit.
    let limit = (min..=width.max(min))
        .rev()
        .find(|limit| total(*limit) <= width);
    let limit = limit.unwrap_or(min);
    for (column, width) in columns.iter().zip(widths) {
        if column.kind == Kind::Text {
            *width = width.map(|width| width.min(limit));
        }
    }
    fits
}

const SPACES: &str = "                                ";

/// Returns a line. Padding is added only before the next cell, so that no line ends with spaces.
fn line<const N: usize>(row: &[String; N], widths: [Option<usize>; N]) -> String {
    let mut line = String::new();
    let mut missing = 0;
    for (cell, width) in row.iter().zip(widths) {
        let Some(width) = width else {
            continue;
        };
        let cell = cut(cell, width);
        if !cell.is_empty() {
            // Many spaces at once are added faster than single ones.
            while missing > 0 {
                let spaces = missing.min(SPACES.len());
                line.push_str(&SPACES[..spaces]);
                missing -= spaces;
            }
            line.push_str(&cell);
        }
        missing += width.saturating_sub(columns(&cell)) + GAP;
    }
    line
}

/// Returns a cell with unsafe characters replaced.
fn clean(text: Cow<'_, str>) -> String {
    match one_line(&text) {
        Cow::Borrowed(_) => text.into_owned(),
        Cow::Owned(clean) => clean,
    }
}

#[cfg(test)]
mod tests;
