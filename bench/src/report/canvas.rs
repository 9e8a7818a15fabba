//! What all plots share: size, axes, legend, marks, and the way to a themed SVG.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::theme::{FAINT, GRID, INK, MARK, SERIES, themed};

/// Width of every plot: narrow enough to be read on a phone, where it is shown at about 4/5.
pub(crate) const WIDTH: u32 = 460;
/// Height of a plot over time.
pub(crate) const HEIGHT: u32 = 270;
const TEXT: u32 = 13;
/// Room above for a legend and for the names of marks.
const TOP: u32 = 44;
const LETTER: i32 = 7;

/// Where a plot is drawn.
pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A plot of so many rows of pixels, drawn by `draw`.
///
/// # Errors
/// The library can't draw it.
pub(crate) fn svg(height: u32, draw: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&area)?;
        area.present().map_err(plain)?;
    }
    Ok(themed(&text))
}

/// The library's errors as ours.
pub(crate) fn plain(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("plot: {error}")
}

/// Text of a size in pixels and a colour.
pub(crate) fn style(size: u32, colour: &RGBColor) -> TextStyle<'static> {
    // The library's SVG divides sizes by 1.24.
    ("sans-serif", f64::from(size) * 1.24)
        .into_font()
        .color(colour)
}

/// One axis: its range and what its numbers are.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) range: Range<f64>,
    pub(crate) name: &'static str,
    pub(crate) log: bool,
    pub(crate) label: fn(f64) -> String,
}

/// Points in the plot's own pixels are reckoned by this.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Room on the left for the labels.
    pub(crate) left: u32,
}

/// A named line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// A vertical mark with a name.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) x: f64,
    pub(crate) name: String,
}

/// Lines over a frame, with marks; a line is broken where its points are `gap` apart.
///
/// # Errors
/// The library can't draw it.
pub(crate) fn lines(frame: &Frame, lines: &[Line], marks: &[Mark], gap: f64) -> Result<String> {
    svg(HEIGHT, |area| {
        legend(area, coloured(lines.iter().map(|line| line.name.as_str())))?;
        // The library's types differ by the kind of axis; so all is drawn on logarithms by hand.
        let scale = |axis: &Axis, value: f64| if axis.log { value.log10() } else { value };
        let range = |axis: &Axis| scale(axis, axis.range.start)..scale(axis, axis.range.end);
        let mut chart = ChartBuilder::on(area)
            .margin_top(TOP)
            .margin_right(14)
            .x_label_area_size(40)
            .y_label_area_size(frame.left)
            .build_cartesian_2d(
                Scaled::of(&frame.x, range(&frame.x)),
                Scaled::of(&frame.y, range(&frame.y)),
            )
            .map_err(plain)?;
        chart
            .configure_mesh()
            .x_desc(frame.x.name)
            .y_desc(frame.y.name)
            .x_labels(7)
            .y_labels(6)
            .max_light_lines(0)
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(style(TEXT, &FAINT))
            .axis_desc_style(style(TEXT, &FAINT))
            .draw()
            .map_err(plain)?;
        let at = |(x, y): (f64, f64)| (scale(&frame.x, x), scale(&frame.y, y));
        let y = range(&frame.y);
        for mark in marks {
            let x = scale(&frame.x, mark.x);
            let path = PathElement::new(vec![(x, y.start), (x, y.end)], MARK.stroke_width(1));
            chart.draw_series([path]).map_err(plain)?;
            let (pixel, top) = chart.backend_coord(&(x, y.end));
            let name = style(11, &MARK).pos(Pos::new(HPos::Left, VPos::Bottom));
            area.draw_text(&mark.name, &name, (pixel - 2, top - 2))
                .map_err(plain)?;
        }
        for (line, colour) in lines.iter().zip(SERIES.iter().cycle()) {
            for part in line.points.chunk_by(|a, b| b.0 - a.0 < gap) {
                let points = part.iter().map(|point| at(*point));
                let series = LineSeries::new(points, colour.stroke_width(2));
                chart.draw_series(series).map_err(plain)?;
            }
        }
        Ok(())
    })
}

/// Names with the colours of a plot's lines.
fn coloured<'a>(
    names: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a str, &'a RGBColor)> {
    names.zip(SERIES.iter().cycle())
}

/// Coloured squares with names at the top, in a second row where one is too short.
pub(super) fn legend<'a>(
    area: &Area<'_>,
    names: impl Iterator<Item = (&'a str, &'a RGBColor)>,
) -> Result<()> {
    let (mut left, mut top) = (10, 6);
    for (name, colour) in names {
        let width = 15 + LETTER * name.chars().count() as i32 + 10;
        if left > 10 && left + width > WIDTH as i32 {
            (left, top) = (10, top + 17);
        }
        let square = [(left, top), (left + 10, top + 10)];
        area.draw(&Rectangle::new(square, colour.filled()))
            .map_err(plain)?;
        area.draw_text(name, &style(TEXT, &INK), (left + 15, top - 2))
            .map_err(plain)?;
        left += width;
    }
    Ok(())
}

/// A linear or logarithmic axis that names its own numbers.
#[derive(Clone)]
struct Scaled {
    range: Range<f64>,
    log: bool,
    label: fn(f64) -> String,
}

impl Scaled {
    fn of(axis: &Axis, range: Range<f64>) -> Self {
        Self {
            range,
            log: axis.log,
            label: axis.label,
        }
    }

    fn linear(&self) -> plotters::coord::types::RangedCoordf64 {
        self.range.clone().into()
    }
}

impl Ranged for Scaled {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let value = value.clamp(self.range.start, self.range.end);
        self.linear().map(&value, limit)
    }

    fn key_points<Hint: plotters::coord::ranged1d::KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if !self.log {
            return self.linear().key_points(hint);
        }
        let (first, last) = (
            self.range.start.ceil() as i64,
            self.range.end.floor() as i64,
        );
        (first..=last).map(|power| power as f64).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Scaled {
    fn format_ext(&self, value: &f64) -> String {
        let value = if self.log {
            10_f64.powf(*value)
        } else {
            *value
        };
        (self.label)(value)
    }
}

/// Rows of bars or dots with a name each.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// What the values are.
    pub(crate) axis: Axis,
    /// Names of the values of a row, for the legend.
    pub(crate) values: Vec<String>,
    /// Name, and a value for each of the names above.
    pub(crate) rows: Vec<(String, Vec<Option<f64>>)>,
    /// A line to compare with.
    pub(crate) limit: Option<(f64, String)>,
    /// Bars from the left, or dots.
    pub(crate) bars: bool,
}

const ROW: i32 = 18;
const AXIS: i32 = 40;

/// Draws rows.
///
/// # Errors
/// The library can't draw it.
pub(crate) fn rows(rows: &Rows) -> Result<String> {
    let lanes = if rows.bars {
        rows.values.len() as i32
    } else {
        1
    };
    let band = if lanes > 1 {
        ROW * lanes * 3 / 4 + 8
    } else {
        ROW
    };
    let bottom = TOP as i32 + band * rows.rows.len() as i32;
    let longest = rows.rows.iter().map(|(name, _)| name.chars().count()).max();
    let left = LETTER * longest.unwrap_or(0) as i32 + 10;
    let right = WIDTH as i32 - if rows.bars { 52 } else { 14 };
    let axis = &rows.axis;
    let part = move |value: f64| {
        let Range { start, end } = axis.range;
        let value = value.clamp(start, end);
        if axis.log {
            (value / start).ln() / (end / start).ln()
        } else {
            (value - start) / (end - start)
        }
    };
    let x = |value: f64| left + (part(value) * f64::from(right - left)).round() as i32;
    svg((bottom + AXIS) as u32, |area| {
        legend(area, coloured(rows.values.iter().map(String::as_str)))?;
        for tick in ticks(axis) {
            let line = vec![(x(tick), TOP as i32), (x(tick), bottom)];
            area.draw(&PathElement::new(line, GRID)).map_err(plain)?;
            let text = style(12, &FAINT).pos(Pos::new(HPos::Center, VPos::Top));
            area.draw_text(&(axis.label)(tick), &text, (x(tick), bottom + 4))
                .map_err(plain)?;
        }
        let text = style(12, &FAINT).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw_text(axis.name, &text, ((left + right) / 2, bottom + 20))
            .map_err(plain)?;
        if let Some((value, name)) = &rows.limit {
            let line = vec![(x(*value), TOP as i32), (x(*value), bottom)];
            area.draw(&PathElement::new(line, MARK.stroke_width(1)))
                .map_err(plain)?;
            let text = style(11, &MARK).pos(Pos::new(HPos::Left, VPos::Bottom));
            area.draw_text(name, &text, (x(*value) + 2, TOP as i32 - 4))
                .map_err(plain)?;
        }
        for (index, (name, values)) in rows.rows.iter().enumerate() {
            let top = TOP as i32 + band * index as i32;
            let text = style(12, &INK).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw_text(name, &text, (left - 6, top + band / 2))
                .map_err(plain)?;
            let row = Row {
                area,
                top,
                band,
                lanes,
            };
            row.draw(rows, values, &x)?;
        }
        Ok(())
    })
}

/// One row on the drawing area.
struct Row<'a, 'b> {
    area: &'a Area<'b>,
    top: i32,
    band: i32,
    lanes: i32,
}

impl Row<'_, '_> {
    fn draw(&self, rows: &Rows, values: &[Option<f64>], x: &dyn Fn(f64) -> i32) -> Result<()> {
        let zero = x(rows.axis.range.start);
        let drawn = values.iter().zip(SERIES.iter().cycle()).enumerate();
        for (lane, (value, colour)) in drawn.filter_map(|(n, (v, c))| Some((n, ((*v)?, c)))) {
            if !rows.bars {
                let dot = Circle::new((x(value), self.top + self.band / 2), 4, colour.filled());
                self.area.draw(&dot).map_err(plain)?;
                continue;
            }
            let height = (self.band - 6) / self.lanes;
            let top = self.top + 3 + height * lane as i32;
            let right = x(value).max(zero + 1);
            let bar = Rectangle::new(
                [(zero, top + 1), (right, top + height - 1)],
                colour.filled(),
            );
            self.area.draw(&bar).map_err(plain)?;
            let text = style(11, &INK).pos(Pos::new(HPos::Left, VPos::Center));
            self.area
                .draw_text(
                    &(rows.axis.label)(value),
                    &text,
                    (right + 4, top + height / 2),
                )
                .map_err(plain)?;
        }
        Ok(())
    }
}

/// Round values within an axis.
pub(super) fn ticks(axis: &Axis) -> Vec<f64> {
    let Range { start, end } = axis.range;
    if axis.log {
        let powers = start.log10().floor() as i32..=end.log10().floor() as i32;
        let steps: &[f64] = if end / start < 1e4 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let all = powers.flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
        return all.filter(|tick| axis.range.contains(tick)).collect();
    }
    let rough = (end - start) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
    let step = steps.into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let first = (start / step).ceil() as i64;
    let last = (end / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(range: Range<f64>, log: bool) -> Axis {
        Axis {
            range,
            name: "n",
            log,
            label: |value| format!("{value}"),
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            ticks(&axis(0.0..10.0, false)),
            [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        );
        assert_eq!(ticks(&axis(0.9..20.0, true)), [1.0, 2.0, 5.0, 10.0]);
    }

    #[test]
    fn a_plot_is_themed_and_broken_at_gaps() {
        let frame = Frame {
            x: axis(0.0..10.0, false),
            y: axis(1.0..1000.0, true),
            left: 50,
        };
        let line = Line {
            name: "a".into(),
            points: vec![(0.0, 1.0), (1.0, 10.0), (5.0, 100.0), (6.0, 1000.0)],
        };
        let mark = Mark {
            x: 3.0,
            name: "freeze n2".into(),
        };
        let svg = lines(&frame, &[line], &[mark], 2.0).expect("a plot");
        assert!(svg.contains("freeze n2") && svg.contains("var(--mark)"));
        assert_eq!(svg.matches("stroke=\"var(--s1)\"").count(), 2, "{svg}");
        assert!(!svg.contains("\"#010101\""));
    }
}
