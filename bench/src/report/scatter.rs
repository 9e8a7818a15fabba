//! Named points over two logarithmic axes.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Area, Axis, WIDTH, legend, plain, style, svg, ticks};
use super::theme::{FAINT, GRID, INK, SERIES};

const HEIGHT: u32 = 380;
const LEFT: i32 = 52;
const TOP: i32 = 40;
const RIGHT: i32 = WIDTH as i32 - 12;
const BOTTOM: i32 = HEIGHT as i32 - 42;
const LETTER: i32 = 6;
const LINE: i32 = 12;

/// Points by two figures.
#[derive(Debug)]
pub(crate) struct Scatter {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Names and colours of the kinds, for the legend.
    pub(crate) kinds: Vec<(String, usize)>,
    pub(crate) points: Vec<Point>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// Which of the colours.
    pub(crate) kind: usize,
    /// Whether it is ringed.
    pub(crate) marked: bool,
}

/// A box of pixels: left, top, right, bottom.
type Box4 = [i32; 4];

/// Draws them, names beside the points where there is room.
///
/// # Errors
/// The library can't draw it.
pub(crate) fn scatter(scatter: &Scatter) -> Result<String> {
    svg(HEIGHT, |area| {
        let kinds = scatter.kinds.iter();
        legend(
            area,
            kinds.map(|(name, colour)| (name.as_str(), &SERIES[*colour])),
        )?;
        axes(area, scatter)?;
        let at = |point: &Point| (across(&scatter.x, point.x), up(&scatter.y, point.y));
        let mut used: Vec<Box4> = scatter
            .points
            .iter()
            .map(|point| around(at(point), 5))
            .collect();
        for point in &scatter.points {
            let place = at(point);
            let colour = &SERIES[point.kind % SERIES.len()];
            area.draw(&Circle::new(place, 4, colour.filled()))
                .map_err(plain)?;
            if point.marked {
                area.draw(&Circle::new(place, 8, INK.stroke_width(1)))
                    .map_err(plain)?;
            }
        }
        // The marked ones choose their places first.
        let (marked, others): (Vec<_>, Vec<_>) = scatter.points.iter().partition(|p| p.marked);
        for point in marked.into_iter().chain(others) {
            name(area, &mut used, at(point), point)?;
        }
        Ok(())
    })
}

fn part(axis: &Axis, value: f64) -> f64 {
    let value = value.clamp(axis.range.start, axis.range.end);
    (value / axis.range.start).ln() / (axis.range.end / axis.range.start).ln()
}

fn across(axis: &Axis, value: f64) -> i32 {
    LEFT + (part(axis, value) * f64::from(RIGHT - LEFT)).round() as i32
}

fn up(axis: &Axis, value: f64) -> i32 {
    BOTTOM - (part(axis, value) * f64::from(BOTTOM - TOP)).round() as i32
}

fn axes(area: &Area<'_>, scatter: &Scatter) -> Result<()> {
    for tick in ticks(&scatter.x) {
        let x = across(&scatter.x, tick);
        area.draw(&PathElement::new(vec![(x, TOP), (x, BOTTOM)], GRID))
            .map_err(plain)?;
        let text = style(12, &FAINT).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw_text(&(scatter.x.label)(tick), &text, (x, BOTTOM + 4))
            .map_err(plain)?;
    }
    for tick in ticks(&scatter.y) {
        let y = up(&scatter.y, tick);
        area.draw(&PathElement::new(vec![(LEFT, y), (RIGHT, y)], GRID))
            .map_err(plain)?;
        let text = style(12, &FAINT).pos(Pos::new(HPos::Right, VPos::Center));
        area.draw_text(&(scatter.y.label)(tick), &text, (LEFT - 5, y))
            .map_err(plain)?;
    }
    let text = style(12, &FAINT).pos(Pos::new(HPos::Center, VPos::Top));
    area.draw_text(scatter.x.name, &text, ((LEFT + RIGHT) / 2, BOTTOM + 22))
        .map_err(plain)?;
    let text = style(12, &FAINT).pos(Pos::new(HPos::Left, VPos::Bottom));
    area.draw_text(scatter.y.name, &text, (8, TOP - 3))
        .map_err(plain)
}

fn around((x, y): (i32, i32), reach: i32) -> Box4 {
    [x - reach, y - reach, x + reach, y + reach]
}

fn meet(a: &Box4, b: &Box4) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// Writes a point's name at the first of many places where nothing else is; far away with a line.
fn name(area: &Area<'_>, used: &mut Vec<Box4>, (x, y): (i32, i32), point: &Point) -> Result<()> {
    let width = LETTER * point.name.chars().count() as i32;
    let mut places = Vec::new();
    for step in 0..9 {
        let lift = LINE * step;
        for (left, middle) in [
            (x + 10, y - lift),
            (x - 10 - width, y - lift),
            (x + 10, y + lift),
            (x - 10 - width, y + lift),
            (x - width / 2, y - lift - LINE),
            (x - width / 2, y + lift + LINE),
        ] {
            places.push([left, middle - LINE / 2, left + width, middle + LINE / 2]);
        }
    }
    let fits = |place: &&Box4| {
        let inside = place[0] >= LEFT && place[2] <= RIGHT && place[1] >= TOP && place[3] <= BOTTOM;
        inside && !used.iter().any(|other| meet(place, other))
    };
    // Where all is full the name is left out; the table has it.
    let Some(place) = places.iter().find(fits).copied() else {
        return Ok(());
    };
    let middle = (place[1] + place[3]) / 2;
    if (middle - y).abs() > LINE + 2 {
        let end = if place[0] > x {
            place[0] - 1
        } else {
            place[2] + 1
        };
        let end = if place[0] < x && x < place[2] { x } else { end };
        area.draw(&PathElement::new(vec![(x, y), (end, middle)], GRID))
            .map_err(plain)?;
    }
    let text = style(11, &INK).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(&point.name, &text, (place[0], middle))
        .map_err(plain)?;
    used.push(place);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_cover_one_another() {
        let axis = |name| Axis {
            range: 1.0..100.0,
            name,
            log: true,
            label: |value| format!("{value}"),
        };
        let point = |number: usize| Point {
            name: format!("point-{number}"),
            x: 10.0 + 0.1 * number as f64,
            y: 10.0,
            kind: number % 2,
            marked: number == 0,
        };
        let drawn = scatter(&Scatter {
            x: axis("ns"),
            y: axis("%"),
            kinds: vec![("a".into(), 0), ("b".into(), 1)],
            points: (0..8).map(point).collect(),
        })
        .expect("a plot");
        let places: Vec<&str> = drawn
            .split("<text")
            .filter(|text| text.contains("point-"))
            .map(|text| text.split("dy=").next().unwrap_or_default())
            .collect();
        let mut once = places.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((places.len(), once.len()), (8, 8), "{places:?}");
    }
}
