//! The report as one offline page: no script, no font, no picture from elsewhere.

use std::fmt::Write;

use super::plots::{self, Plot};
use super::run::Run;
use super::{tables, theme};
use crate::choices::PLACINGS_ABOUT;

const CSS: &str = "
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.2rem clamp(.8rem,3vw,2rem) 3rem;max-width:1120px;
 font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;line-height:1.2;margin:.2rem 0}
h2{font-size:1.2rem;margin:2.2rem 0 .4rem;border-bottom:1px solid var(--grid);padding-bottom:.2rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}
p{max-width:46rem;margin:.5rem 0}
a{color:var(--s1)}
code,pre{font:.86em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{overflow-x:auto;background:var(--panel);padding:.7rem;border-radius:6px;margin:.5rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
.faint{color:var(--faint)}
.verdict{display:inline-block;font-weight:650;padding:.15rem .6rem;border-radius:6px;border:2px solid;margin:.5rem 0}
.good{color:var(--s3)}.bad{color:var(--mark)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:1rem;margin:.8rem 0;align-items:start}
figure{margin:0;background:var(--panel);border-radius:8px;padding:.5rem;min-width:0}
figure.evenness{grid-row:span 2}
figure svg{display:block;width:100%;height:auto}
figcaption{font-size:.85rem;color:var(--faint);padding:.2rem .4rem}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.22rem .55rem;border-bottom:1px solid var(--grid);text-align:right;vertical-align:top;white-space:nowrap}
thead th{vertical-align:bottom;color:var(--faint);font-weight:600;white-space:normal}
tbody th{font-weight:500}
th:first-child,.words th,.words td{text-align:left}
.words td,.words th{white-space:normal}
details{margin:.6rem 0}summary{cursor:pointer}
@media(max-width:600px){body{font-size:15px}th,td{padding:.2rem .4rem}}
@media print{body{max-width:none;color:#000;background:#fff}figure{break-inside:avoid}}
";
const PAPER_LIGHT: &str = "--paper:#fff;--panel:#f6f8fa";
const PAPER_DARK: &str = "--paper:#0d1117;--panel:#161b22";

/// The page.
pub(crate) fn page(run: &Run, of_load: &[Plot], of_choices: &[Plot]) -> String {
    let mut page = head(run);
    load(&mut page, run, of_load);
    hashes(&mut page, run, &of_choices[..plots::OF_HASHES]);
    distributions(&mut page, run, &of_choices[plots::OF_HASHES..]);
    made(&mut page, run);
    page + "</main></body></html>\n"
}

fn head(run: &Run) -> String {
    let title = format!("ringlab, {}", run.name());
    let good = run.demo.holds();
    let (class, verdict) = if good {
        ("good", "Everything held")
    } else {
        ("bad", "Something did NOT hold")
    };
    opening(&title, "")
        + &format!(
            "<h1>A ring of three, hurt under load</h1>\n\
         <p class=\"faint\">{} UTC · {} · revision {}</p>\n\
         <p class=\"verdict {class}\">{verdict}: {} of {} requests failed</p>\n{}{}",
            escaped(&run.about.when.replace('T', " ")),
            escaped(&run.about.machine),
            escaped(&run.about.revision),
            run.failed(),
            run.load.totals.completed + run.failed(),
            run.objection().map_or_else(String::new, |why| {
                format!(
                    "<p class=\"bad\">The machine was not quiet: {}. Times of this run say little; \
                 counts and what held do not depend on it.</p>\n",
                    escaped(why)
                )
            }),
            tables::checks(&run.demo).html(),
        )
}

/// Everything of a page before its first heading; `css` on top of what all pages have.
pub(crate) fn opening(title: &str, css: &str) -> String {
    let (light, dark) = (PAPER_LIGHT, PAPER_DARK);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{}:root{{{light}}}\
         @media(prefers-color-scheme:dark){{:root{{{dark}}}}}{CSS}{css}</style></head><body><main>\n",
        escaped(title),
        theme::variables(":root"),
    )
}

fn load(page: &mut String, run: &Run, plots: &[Plot]) {
    let load = &run.load;
    let totals = &load.totals;
    *page += &format!(
        "<h2 id=\"load\">The ring under load</h2>\n\
         <p>Three <code>ringd</code> on loopback, three racks of one datacenter: each holds every \
         key, reads and writes ask for a quorum of two. All clients are connected to {}, which \
         stays; the other two are hurt in turn. Offered: {:.0} requests a second, three reads to \
         a write, Zipf keys; answered: {:.0}.</p>\n",
        escaped(&run.demo.nodes[0].name),
        totals.offered_per_s,
        totals.achieved_per_s,
    );
    figures(page, plots);
    *page += &tables::absences(&run.demo).html();
    *page += &tables::load(load).html();
    *page += &format!(
        "<p>The load generator's verdict on its own figures: <b>{}</b>: {}. {}. A load that is \
         hurt on purpose is not steady; the verdict says whether the latencies describe the server \
         at rest, not whether it answered.</p>\n",
        escaped(&load.verdict.worth),
        escaped(&load.verdict.reasons.join("; ")),
        escaped(&sentence(&load.statement)),
    );
    let mut states = String::new();
    for change in &run.demo.transitions {
        let name = |node: usize| escaped(&run.demo.nodes[node].name);
        writeln!(
            states,
            "{:6.2} s  {} sees {}: {} → {}",
            change.t_s,
            name(change.observer),
            name(change.peer),
            escaped(&change.from),
            escaped(&change.to)
        )
        .expect("a string takes every write");
    }
    *page += &format!(
        "<details><summary>How the nodes saw one another</summary><pre>{states}</pre></details>\n"
    );
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn hashes(page: &mut String, run: &Run, plots: &[Plot]) {
    *page += "<h2 id=\"hashes\">Hashes</h2>\n\
         <p>From a key to a number. Times move with the machine, so all hashes take turns in short \
         rounds and only their ratios mean much; instructions are exact.</p>\n";
    *page += &uncounted(run);
    figures(page, plots);
    *page += &tables::hashes(&run.choices).html();
}

fn uncounted(run: &Run) -> String {
    match &run.choices.uncounted {
        None => String::new(),
        Some(why) => format!(
            "<p class=\"bad\">Instructions: not measured: {}. Install valgrind and \
             iai-callgrind-runner.</p>\n",
            escaped(why)
        ),
    }
}

fn distributions(page: &mut String, run: &Run, plots: &[Plot]) {
    let choices = &run.choices;
    *page += "<h2 id=\"distributions\">Distributions</h2>\n\
         <p>From that number to the peer that owns the key:</p>\n<ul>\n";
    for (name, about) in PLACINGS_ABOUT {
        *page += &format!("<li><code>{name}</code>: {about}</li>\n");
    }
    *page += "<li><code>single</code>: one peer a rack holds all; nothing to balance</li></ul>\n";
    figures(page, plots);
    *page += &tables::distributions(choices).html();
    *page += &format!(
        "<p class=\"faint\">{} keys on {} peers, then one more. With an ideal hash chance alone \
         gives a CV of {:.2}% and a fullest peer of {:.3} of the mean; what lies above is the \
         hash's or the distribution's.</p>\n",
        choices.keys,
        choices.peers,
        100.0 * choices.floor_cv,
        choices.floor_peak
    );
    *page += "<details><summary>All pairs</summary>\n";
    *page += &tables::spreads(choices).html();
    for spread in tables::refusals(choices) {
        let why = spread.refused.as_deref().unwrap_or_default();
        let pair = format!("{} × {}", spread.hash, spread.distribution);
        *page += &format!(
            "<p><b>{}</b> is refused: {}</p>\n",
            escaped(&pair),
            escaped(why)
        );
    }
    *page += "</details>\n";
}

fn made(page: &mut String, run: &Run) {
    *page += &format!(
        "<h2 id=\"made\">How this was made</h2>\n<pre>{}\n{}</pre>\n\
         <p>Raw data beside this page: {}.</p>\n\
         <details open><summary>The machine</summary><pre>{}</pre></details>\n",
        escaped(&run.about.command),
        escaped(&run.load.command),
        links(),
        escaped(&run.machine),
    );
}

/// Files of a run's folder that hold raw data.
pub(crate) const FILES: [&str; 9] = [
    "run.json",
    "demo.json",
    "load.json",
    "load.txt",
    "hints.csv",
    "choices.json",
    "choices.csv",
    "machine.txt",
    "nodes",
];

fn links() -> String {
    let links = FILES.map(|file| format!("<a href=\"{file}\">{file}</a>"));
    links.join(", ")
}

fn figures(page: &mut String, plots: &[Plot]) {
    *page += "<div class=\"plots\">\n";
    for plot in plots {
        *page += &format!(
            "<figure id=\"{0}\" class=\"{0}\">{1}<figcaption>{2}</figcaption></figure>\n",
            plot.name,
            plot.svg.trim(),
            escaped(&plot.caption)
        );
    }
    *page += "</div>\n";
}

/// Text for a page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
