//! A table, written once and shown as text, Markdown or HTML.

use std::fmt::Write;

use super::html::escaped;

/// Names of columns and rows of cells. The first column names its row; the others are right-aligned
/// where they hold numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Whether the columns after the first hold words.
    worded: bool,
}

impl Table {
    /// Without rows; numbers after the first column.
    pub(crate) fn new<const N: usize>(columns: [&str; N]) -> Self {
        Self {
            columns: columns.map(ToOwned::to_owned).into(),
            ..Self::default()
        }
    }

    /// Words after the first column.
    #[must_use]
    pub(crate) fn of_words(mut self) -> Self {
        self.worded = true;
        self
    }

    /// Adds a row; it has as many cells as there are columns.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    /// Adds a column.
    pub(crate) fn column(&mut self, name: String, cells: impl Iterator<Item = String>) {
        self.columns.push(name);
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row.push(cell);
        }
    }

    /// Adds a last row with two cells, the others empty.
    pub(crate) fn last_row(&mut self, name: String, cell: String) {
        let mut row = vec![String::new(); self.columns.len()];
        row[0] = name;
        row[1] = cell;
        self.rows.push(row);
    }

    /// For a terminal.
    pub(crate) fn plain(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                self.cells(column)
                    .map(|c| c.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let line = |cells: &[String]| {
            let mut line = String::new();
            for (index, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                if index == 0 || self.worded {
                    write!(line, "{cell:<width$}  ")
                } else {
                    write!(line, "{cell:>width$}  ")
                }
                .expect("a string takes every write");
            }
            line.trim_end().to_owned()
        };
        let lines: Vec<String> = std::iter::once(&self.columns)
            .chain(&self.rows)
            .map(|cells| line(cells))
            .collect();
        lines.join("\n")
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &String> {
        std::iter::once(&self.columns)
            .chain(&self.rows)
            .map(move |row| &row[column])
    }

    /// For a page of Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = if self.worded { "---" } else { "---:" };
        let mut text = line(&self.columns);
        text += "|---|";
        text += &format!("{rule}|").repeat(self.columns.len() - 1);
        text.push('\n');
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }

    /// For a page of HTML.
    pub(crate) fn html(&self) -> String {
        let class = if self.worded { "words" } else { "numbers" };
        let mut text = format!("<div class=\"scroll\"><table class=\"{class}\"><thead><tr>");
        for column in &self.columns {
            text += &format!("<th scope=\"col\">{}</th>", escaped(column));
        }
        text += "</tr></thead><tbody>\n";
        for row in &self.rows {
            text += "<tr>";
            for (index, cell) in row.iter().enumerate() {
                let cell = escaped(cell);
                text += &if index == 0 {
                    format!("<th scope=\"row\">{cell}</th>")
                } else {
                    format!("<td>{cell}</td>")
                };
            }
            text += "</tr>\n";
        }
        text + "</tbody></table></div>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["name", "n"]);
        table.row(["a<b".into(), "1".into()]);
        table.row(["c|d long".into(), "12".into()]);
        table.column("more".into(), ["x", "y"].map(String::from).into_iter());
        table
    }

    #[test]
    fn three_forms() {
        let plain = "name       n  more\na<b        1     x\nc|d long  12     y";
        assert_eq!(table().plain(), plain);
        assert!(table().markdown().contains("| c\\|d long | 12 | y |"));
        assert!(table().markdown().contains("\n|---|---:|---:|\n"));
        assert!(
            table()
                .html()
                .contains("<th scope=\"row\">a&lt;b</th><td>1</td>")
        );
    }
}
