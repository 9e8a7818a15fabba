//! A page written once: as HTML for a browser and as Markdown for a repository.
//!
//! In texts `code` stands between backticks, **strong words** between double stars, and
//! [a link](file) is written as in Markdown; nothing else means anything.

use super::html::escaped;
use super::plots::Plot;
use super::table::Table;
use super::theme;

/// A piece of a page.
#[derive(Debug)]
pub(crate) enum Block {
    /// A part's heading and its anchor.
    Heading(String, &'static str),
    /// A heading within a part.
    Small(String),
    Text(String),
    /// A text that is not to be overlooked.
    Strong(String),
    List(Vec<String>),
    Table(Table),
    Plots(Vec<Plot>),
    /// As it is, letter for letter.
    Verbatim(String),
    /// Shown when asked for, where a page can do that.
    Folded(String, Vec<Block>),
}

/// A page.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) title: String,
    /// One line below it.
    pub(crate) about: String,
    pub(crate) blocks: Vec<Block>,
}

const CSS: &str = "
.box{border:2px solid var(--s3);border-radius:8px;padding:.3rem .9rem;margin:.8rem 0;max-width:48rem}
ul{max-width:46rem;padding-left:1.3rem}li{margin:.35rem 0}
.toc{font-size:.95rem}
.plots{display:block;columns:25rem;column-gap:1rem}
figure{break-inside:avoid;margin-bottom:1rem}
h3{margin-top:1.2rem}
@media print{.plots{columns:2}table{font-size:.7rem}}
";

impl Document {
    /// One page that needs nothing from elsewhere.
    pub(crate) fn html(&self) -> String {
        let mut page = super::html::opening(&self.title, CSS);
        page += &format!(
            "<h1>{}</h1>\n<p class=\"faint\">{}</p>\n",
            escaped(&self.title),
            inline(&self.about)
        );
        let headings = self.blocks.iter().filter_map(|block| match block {
            Block::Heading(text, anchor) => {
                Some(format!("<a href=\"#{anchor}\">{}</a>", escaped(text)))
            }
            _ => None,
        });
        let headings: Vec<String> = headings.collect();
        page += &format!("<p class=\"toc\">{}</p>\n", headings.join(" · "));
        for block in &self.blocks {
            block.html(&mut page);
        }
        page + "</main></body></html>\n"
    }

    /// The twin; plots are files in `plots/`.
    pub(crate) fn markdown(&self) -> String {
        let mut page = format!("# {}\n\n{}\n\n", self.title, self.about);
        for block in &self.blocks {
            block.markdown(&mut page);
        }
        page
    }

    /// Every plot of the page.
    pub(crate) fn plots(&self) -> Vec<&Plot> {
        self.blocks.iter().flat_map(Block::plots).collect()
    }
}

impl Block {
    fn html(&self, page: &mut String) {
        *page += &match self {
            Self::Heading(text, anchor) => format!("<h2 id=\"{anchor}\">{}</h2>\n", escaped(text)),
            Self::Small(text) => format!("<h3>{}</h3>\n", escaped(text)),
            Self::Text(text) => format!("<p>{}</p>\n", inline(text)),
            Self::Strong(text) => format!("<div class=\"box\"><p>{}</p></div>\n", inline(text)),
            Self::List(items) => {
                let items: String = items
                    .iter()
                    .map(|item| format!("<li>{}</li>\n", inline(item)))
                    .collect();
                format!("<ul>\n{items}</ul>\n")
            }
            Self::Table(table) => table.html(),
            Self::Plots(plots) => figures(plots),
            Self::Verbatim(text) => format!("<pre>{}</pre>\n", escaped(text.trim_end())),
            Self::Folded(summary, blocks) => {
                let mut inside = String::new();
                blocks.iter().for_each(|block| block.html(&mut inside));
                let summary = escaped(summary);
                format!("<details><summary>{summary}</summary>\n{inside}</details>\n")
            }
        };
    }

    fn markdown(&self, page: &mut String) {
        *page += &match self {
            Self::Heading(text, _) => format!("## {text}\n\n"),
            Self::Small(text) => format!("### {text}\n\n"),
            Self::Text(text) => format!("{text}\n\n"),
            Self::Strong(text) => format!("> {text}\n\n"),
            Self::List(items) => {
                let items: String = items.iter().map(|item| format!("- {item}\n")).collect();
                format!("{items}\n")
            }
            Self::Table(table) => format!("{}\n", table.markdown()),
            Self::Plots(plots) => {
                let shown = |plot: &Plot| {
                    format!(
                        "![{0}](plots/{1}.svg)\n\n*{0}*\n\n",
                        plot.caption, plot.name
                    )
                };
                plots.iter().map(shown).collect()
            }
            Self::Verbatim(text) => format!("```\n{}\n```\n\n", text.trim_end()),
            Self::Folded(summary, blocks) => {
                let mut inside = String::new();
                blocks.iter().for_each(|block| block.markdown(&mut inside));
                format!("<details><summary>{summary}</summary>\n\n{inside}</details>\n\n")
            }
        };
    }

    fn plots(&self) -> Vec<&Plot> {
        match self {
            Self::Plots(plots) => plots.iter().collect(),
            Self::Folded(_, blocks) => blocks.iter().flat_map(Self::plots).collect(),
            _ => Vec::new(),
        }
    }
}

fn figures(plots: &[Plot]) -> String {
    let figure = |plot: &Plot| {
        format!(
            "<figure id=\"{}\">{}<figcaption>{}</figcaption></figure>\n",
            plot.name,
            plot.svg.trim(),
            inline(&plot.caption)
        )
    };
    let all: String = plots.iter().map(figure).collect();
    format!("<div class=\"plots\">\n{all}</div>\n")
}

/// A text with its marks as HTML.
fn inline(text: &str) -> String {
    let text = paired(&escaped(text), "`", "code");
    linked(&paired(&text, "**", "b"))
}

/// What stands between two of `mark` becomes an element.
fn paired(text: &str, mark: &str, element: &str) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let mut whole = String::new();
    for (index, part) in parts.iter().enumerate() {
        let inside = index % 2 == 1 && index + 1 < parts.len();
        whole += &if inside {
            format!("<{element}>{part}</{element}>")
        } else if index % 2 == 1 {
            format!("{mark}{part}")
        } else {
            (*part).to_owned()
        };
    }
    whole
}

fn linked(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(words, more)| {
            let (to, more) = more.split_once(')')?;
            (!words.contains('[')).then_some((words, to, more))
        });
        let Some((words, to, more)) = link else {
            whole += &format!("{before}[");
            rest = after;
            continue;
        };
        whole += &format!("{before}<a href=\"{to}\">{words}</a>");
        rest = more;
    }
    whole + rest
}

/// Writes a page's files into `dir`.
///
/// # Errors
/// A file can't be written.
pub(crate) fn write(document: &Document, dir: &std::path::Path) -> anyhow::Result<()> {
    let folder = dir.join("plots");
    std::fs::create_dir_all(&folder)?;
    for plot in document.plots() {
        std::fs::write(
            folder.join(format!("{}.svg", plot.name)),
            theme::alone(&plot.svg),
        )?;
    }
    std::fs::write(dir.join("README.md"), document.markdown())?;
    std::fs::write(dir.join("report.html"), document.html())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_elements_and_nothing_else_does() {
        for (text, html) in [
            ("a `b<c` **d**", "a <code>b&lt;c</code> <b>d</b>"),
            ("[x](y.csv), [z", "<a href=\"y.csv\">x</a>, [z"),
            ("one ` alone", "one ` alone"),
            ("[1] (2) [x](y)", "[1] (2) <a href=\"y\">x</a>"),
        ] {
            assert_eq!(inline(text), html);
        }
    }

    #[test]
    fn both_twins_say_the_same() {
        let mut table = Table::new(["name", "n"]);
        table.row(["x".into(), "1".into()]);
        let document = Document {
            title: "T".into(),
            about: "`cmd`".into(),
            blocks: vec![
                Block::Heading("Part".into(), "part"),
                Block::List(vec!["**a**".into()]),
                Block::Folded("more".into(), vec![Block::Table(table)]),
            ],
        };
        let (html, markdown) = (document.html(), document.markdown());
        assert!(html.contains("<a href=\"#part\">Part</a>") && html.contains("<li><b>a</b></li>"));
        assert!(markdown.contains("## Part\n\n- **a**\n") && markdown.contains("| x | 1 |"));
        assert!(html.contains("prefers-color-scheme:dark"));
    }
}
