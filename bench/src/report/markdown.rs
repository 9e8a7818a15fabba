//! The report's twin in Markdown: the run folder's `README.md`.

use super::html::FILES;
use super::plots::{OF_HASHES, Plot};
use super::run::Run;
use super::tables;

/// The page. Its plots are the files in `plots/`.
pub(crate) fn page(run: &Run, of_load: &[Plot], of_choices: &[Plot]) -> String {
    let verdict = if run.demo.holds() {
        "Everything held"
    } else {
        "**Something did NOT hold**"
    };
    let totals = &run.load.totals;
    let mut text = format!(
        "# {}\n\n{} UTC, revision {}. {verdict}: {} of {} requests failed. The same as one page: \
         [report.html](report.html).\n\n",
        run.name(),
        run.about.when,
        run.about.revision,
        run.failed(),
        totals.completed + run.failed(),
    );
    if let Some(why) = run.objection() {
        text += &format!("The machine was not quiet: {why}. Times of this run say little.\n\n");
    }
    text += &tables::checks(&run.demo).markdown();
    text += "\n## The ring under load\n\n";
    text += &tables::absences(&run.demo).markdown();
    text += "\n";
    text += &tables::load(&run.load).markdown();
    text += &format!(
        "\nVerdict of the load generator on its figures: {}: {}.\n\n",
        run.load.verdict.worth,
        run.load.verdict.reasons.join("; ")
    );
    plots(&mut text, of_load);
    text += "## Hashes\n\n";
    if let Some(why) = &run.choices.uncounted {
        text += &format!(
            "Instructions: not measured: {why}. Install valgrind and iai-callgrind-runner.\n\n"
        );
    }
    text += &tables::hashes(&run.choices).markdown();
    text += "\n";
    plots(&mut text, &of_choices[..OF_HASHES]);
    text += "## Distributions\n\n";
    text += &tables::distributions(&run.choices).markdown();
    text += &format!(
        "\n{} keys on {} peers, then one more; with an ideal hash chance alone gives a CV of \
         {:.2}% and a fullest peer of {:.3} of the mean.\n\n",
        run.choices.keys,
        run.choices.peers,
        100.0 * run.choices.floor_cv,
        run.choices.floor_peak
    );
    text += &tables::spreads(&run.choices).markdown();
    text += "\n";
    for spread in tables::refusals(&run.choices) {
        let why = spread.refused.as_deref().unwrap_or_default();
        text += &format!(
            "- {} × {} is refused: {why}\n",
            spread.hash, spread.distribution
        );
    }
    text += "\n";
    plots(&mut text, &of_choices[OF_HASHES..]);
    made(&mut text, run);
    text
}

fn plots(text: &mut String, plots: &[Plot]) {
    for plot in plots {
        *text += &format!("![{}](plots/{}.svg)\n\n", plot.caption, plot.name);
    }
}

fn made(text: &mut String, run: &Run) {
    let files = FILES.map(|file| format!("[{file}]({file})")).join(", ");
    *text += &format!(
        "## How this was made\n\n```\n{}\n{}\n```\n\nRaw data: {files}.\n\n```\n{}\n```\n",
        run.about.command,
        run.load.command,
        run.machine.trim_end()
    );
}
