//! Small plots as SVG.

use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 40.0;
const COLOURS: [&str; 4] = ["#2b6cb0", "#c05621", "#2f855a", "#805ad5"];

/// How values become places, and what they are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    name: &'static str,
    label: fn(f64) -> String,
    log: bool,
}

impl Axis {
    pub(crate) fn linear(name: &'static str, label: fn(f64) -> String) -> Self {
        let log = false;
        Self { name, label, log }
    }

    pub(crate) fn log(name: &'static str, label: fn(f64) -> String) -> Self {
        let log = true;
        Self { name, label, log }
    }

    /// The range of some values: whole powers of ten, or from nothing on.
    fn range(self, values: impl Iterator<Item = f64>) -> Range {
        let (low, high) = values
            .filter(|value| value.is_finite() && (!self.log || *value > 0.0))
            .fold((f64::MAX, 0.0_f64), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
        let (low, high) = if self.log {
            let low = low.log10().floor();
            (low, high.log10().ceil().max(low + 1.0))
        } else {
            (0.0, if high > 0.0 { 1.05 * high } else { 1.0 })
        };
        Range {
            axis: self,
            low,
            high,
        }
    }
}

/// An axis with its ends.
#[derive(Clone, Copy, Debug)]
struct Range {
    axis: Axis,
    low: f64,
    high: f64,
}

impl Range {
    /// 0 to 1 along the axis.
    fn place(&self, value: f64) -> f64 {
        let value = if self.axis.log {
            value.max(1e-9).log10()
        } else {
            value
        };
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Values with a label.
    fn ticks(&self) -> Vec<f64> {
        if self.axis.log {
            let (low, high) = (self.low as i32, self.high as i32);
            return (low..=high).map(|power| 10_f64.powi(power)).collect();
        }
        let rough = (self.high - self.low) / 6.0;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
        let step = steps
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(power);
        let count = (self.high / step).floor() as u32;
        (0..=count).map(|index| f64::from(index) * step).collect()
    }
}

/// A named line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over two axes.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    /// Vertical lines with names.
    pub(crate) marks: Vec<(f64, String)>,
    /// A dot at every point.
    pub(crate) dots: bool,
}

fn across(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn up(share: f64) -> f64 {
    HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
}

impl Plot {
    pub(crate) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x = self.x.range(points().map(|point| point.0));
        let y = self.y.range(points().map(|point| point.1));
        let mut out = String::new();
        // Writing to a string can't fail.
        self.draw(&mut out, &x, &y).ok();
        out
    }

    fn draw(&self, out: &mut String, x: &Range, y: &Range) -> std::fmt::Result {
        frame(out, x, y)?;
        for (index, (at, name)) in self.marks.iter().enumerate() {
            let place = across(x.place(*at));
            let row = TOP + 12.0 * (index % 4) as f64 + 10.0;
            let (bottom, name) = (up(0.0), super::escaped(name));
            write!(
                out,
                "<line x1={place:.1} x2={place:.1} y1={TOP} y2={bottom} stroke='#c53030' stroke-dasharray='3 3'/>\
                 <text x={:.1} y={row:.1} fill='#c53030'>{name}</text>",
                place + 3.0
            )?;
        }
        for (index, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let place = |(a, b): &(f64, f64)| (across(x.place(*a)), up(y.place(*b)));
            let path: Vec<String> = line
                .points
                .iter()
                .map(|point| format!("{:.1},{:.1}", place(point).0, place(point).1))
                .collect();
            write!(
                out,
                "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='1.6'/>\
                 <text x={:.1} y=16 fill='{colour}' font-weight='bold'>{}</text>",
                path.join(" "),
                LEFT + 90.0 * index as f64,
                super::escaped(&line.name)
            )?;
            for point in line.points.iter().filter(|_| self.dots) {
                let (a, b) = place(point);
                write!(out, "<circle cx={a:.1} cy={b:.1} r=3 fill='{colour}'/>")?;
            }
        }
        out.push_str("</svg>");
        Ok(())
    }
}

fn frame(out: &mut String, x: &Range, y: &Range) -> std::fmt::Result {
    write!(
        out,
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' font-size='11' font-family='sans-serif' fill='#555'>"
    )?;
    for tick in y.ticks() {
        let (place, label) = (up(y.place(tick)), (y.axis.label)(tick));
        write!(
            out,
            "<line x1={LEFT} x2={:.1} y1={place:.1} y2={place:.1} stroke='#ddd'/>\
             <text x={:.1} y={:.1} text-anchor='end'>{label}</text>",
            across(1.0),
            LEFT - 6.0,
            place + 4.0
        )?;
    }
    for tick in x.ticks() {
        let (place, label) = (across(x.place(tick)), (x.axis.label)(tick));
        write!(
            out,
            "<text x={place:.1} y={:.1} text-anchor='middle'>{label}</text>",
            up(0.0) + 16.0
        )?;
    }
    write!(
        out,
        "<text x={:.1} y={:.1} text-anchor='end'>{}</text><text x=4 y={:.1}>{}</text>",
        across(1.0),
        HEIGHT - 6.0,
        x.axis.name,
        TOP - 10.0,
        y.axis.name
    )
}

/// A heat map of (second, ns, share of the second's requests); steps are an eighth of a power.
pub(crate) fn heat(cells: &[(f64, f64, f64)], label: fn(f64) -> String) -> String {
    let seconds = Axis::linear("seconds", |s| format!("{s:.0}"));
    let x = seconds.range(cells.iter().map(|cell| cell.0 + 1.0));
    let y = Axis::log("response", label).range(cells.iter().map(|cell| 1.33 * cell.1));
    let mut out = String::new();
    // Writing to a string can't fail.
    frame(&mut out, &x, &y).ok();
    for &(second, ns, share) in cells {
        let (left, right) = (across(x.place(second)), across(x.place(second + 1.0)));
        let (bottom, top) = (up(y.place(ns)), up(y.place(1.34 * ns)));
        // A thousandth still shows.
        let ink = (1.0 + share.max(1e-4).log10() / 4.0).clamp(0.06, 1.0);
        write!(
            out,
            "<rect x={left:.1} y={top:.1} width={:.1} height={:.1} fill='#2b6cb0' fill-opacity='{ink:.2}'/>",
            (right - left).max(0.5),
            (bottom - top).max(0.5)
        )
        .ok();
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ticks_and_places() {
        let axis = Axis::linear("x", |value| value.to_string());
        let range = axis.range([0.0, 95.0].into_iter());
        assert_eq!(range.ticks(), [0.0, 20.0, 40.0, 60.0, 80.0]);
        let log = Axis::log("y", |value| value.to_string());
        let range = log.range([0.0, 30.0, 4000.0].into_iter());
        assert_eq!(range.ticks(), [10.0, 100.0, 1000.0, 10_000.0]);
        assert!((range.place(100.0) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(log.range(std::iter::empty()).ticks(), [1.0, 10.0]);
    }

    #[test]
    fn a_plot_has_its_lines_and_marks_and_nothing_that_is_no_number() {
        let svg = Plot {
            x: Axis::linear("s", |value| value.to_string()),
            y: Axis::log("ns", |value| value.to_string()),
            lines: vec![Line {
                name: "p99".into(),
                points: vec![(1.0, 100.0), (2.0, 0.0), (3.0, 5e6)],
            }],
            marks: vec![(2.0, "kill <n2>".into())],
            dots: true,
        }
        .svg();
        assert!(svg.contains("kill &lt;n2&gt;") && svg.contains(">p99<"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3);
    }
}
