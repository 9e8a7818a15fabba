//! Colours that follow the reader's light or dark. The plotting library writes fixed colours; each
//! colour here stands for a role, and its text in the SVG is replaced by the role's variable.

use plotters::style::RGBColor;

/// A role's colour as the library writes it, and the variable it becomes.
struct Role {
    colour: RGBColor,
    variable: &'static str,
    light: &'static str,
    dark: &'static str,
}

/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(1, 1, 1);
/// Lines of the mesh.
pub(crate) const GRID: RGBColor = RGBColor(2, 2, 2);
/// Less important text.
pub(crate) const FAINT: RGBColor = RGBColor(3, 3, 3);
/// What is marked: events, limits.
pub(crate) const MARK: RGBColor = RGBColor(4, 4, 4);
/// The lines, bars and dots of a plot, in order: told apart also by those who see few colours
/// (after Okabe and Ito).
pub(crate) const SERIES: [RGBColor; 6] = [
    RGBColor(5, 5, 5),
    RGBColor(6, 6, 6),
    RGBColor(7, 7, 7),
    RGBColor(8, 8, 8),
    RGBColor(9, 9, 9),
    RGBColor(10, 10, 10),
];

static ROLES: [Role; 10] = [
    role(INK, "--ink", "#1f2328", "#e6edf3"),
    role(GRID, "--grid", "#dfe3e8", "#30363d"),
    role(FAINT, "--faint", "#5b6470", "#9aa4af"),
    role(MARK, "--mark", "#b42318", "#ff8a7a"),
    role(SERIES[0], "--s1", "#0b62a8", "#5cb3f5"),
    role(SERIES[1], "--s2", "#c2590a", "#f0a24b"),
    role(SERIES[2], "--s3", "#00795a", "#3fd0a4"),
    role(SERIES[3], "--s4", "#9a3f86", "#dd8fc8"),
    role(SERIES[4], "--s5", "#7a6200", "#e3c64a"),
    role(SERIES[5], "--s6", "#5b6470", "#a8b3bf"),
];

const fn role(
    colour: RGBColor,
    variable: &'static str,
    light: &'static str,
    dark: &'static str,
) -> Role {
    Role {
        colour,
        variable,
        light,
        dark,
    }
}

/// The SVG with variables instead of colours.
pub(crate) fn themed(svg: &str) -> String {
    let mut text = svg.to_owned();
    for role in &ROLES {
        let RGBColor(red, green, blue) = role.colour;
        let written = format!("\"#{red:02X}{green:02X}{blue:02X}\"");
        text = text.replace(&written, &format!("\"var({})\"", role.variable));
    }
    text
}

/// The variables' values, as rules for `selector`.
pub(crate) fn variables(selector: &str) -> String {
    let list = |value: fn(&Role) -> &'static str| {
        let rules = ROLES
            .iter()
            .map(|role| format!("{}:{}", role.variable, value(role)));
        rules.collect::<Vec<_>>().join(";")
    };
    format!(
        "{selector}{{{}}}@media(prefers-color-scheme:dark){{{selector}{{{}}}}}",
        list(|role| role.light),
        list(|role| role.dark),
    )
}

/// An SVG that carries the variables itself: to be shown alone.
pub(crate) fn alone(svg: &str) -> String {
    let style = format!("<style>{}</style>", variables("svg"));
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>{style}{rest}"),
        None => svg.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_variables() {
        let svg = "<svg><g fill=\"#010101\" stroke=\"#080808\"/></svg>";
        let themed = themed(svg);
        assert_eq!(
            themed,
            "<svg><g fill=\"var(--ink)\" stroke=\"var(--s4)\"/></svg>"
        );
        assert!(alone(&themed).starts_with("<svg><style>svg{--ink:#1f2328;"));
    }
}
