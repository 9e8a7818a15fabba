//! Figures as people read them.

/// A share as percent, with as many digits as it is worth.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent.abs() {
        0.0 => "0%".to_owned(),
        size if size < 0.01 => "under 0.01%".to_owned(),
        size if size < 1.0 => format!("{percent:.2}%"),
        _ => format!("{percent:.1}%"),
    }
}

/// A number of bytes.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let size = count as f64;
    let unit = UNITS.into_iter().find(|(_, unit)| size >= *unit);
    unit.map_or_else(
        || format!("{count} B"),
        |(name, unit)| format!("{:.1} {name}", size / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_fit_digits() {
        let shares = [0.0, 0.000_02, 0.002_34, 0.012_3, 0.5, 1.0].map(percent);
        assert_eq!(
            shares,
            ["0%", "under 0.01%", "0.23%", "1.2%", "50.0%", "100.0%"]
        );
        let sizes = [12, 1500, 64_000_000, 2_500_000_000_000].map(bytes);
        assert_eq!(sizes, ["12 B", "1.5 kB", "64.0 MB", "2.5 TB"]);
    }
}
