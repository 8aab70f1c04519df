//! Draws `history.csv`, the ratios of landmark commits, as `history.svg`.
//!
//! ```sh
//! cargo run -p sse-benches --bin history
//! ```

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// The ratios to draw, with their colours.
const SERIES: [(&str, &str); 8] = [
    ("decode llm 65536", "#1f77b4"),
    ("decode named 65536", "#ff7f0e"),
    ("decode ticks 65536", "#2ca02c"),
    ("decode line-1m 65536", "#9467bd"),
    ("decode lines 65536", "#8c564b"),
    ("decode heartbeats 65536", "#e377c2"),
    ("encode llm", "#17becf"),
    ("encode ticks", "#7f7f7f"),
];

/// The position and size of the plot area. The rest of the image is for labels.
const LEFT: f64 = 40.0;
const TOP: f64 = 40.0;
const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 300.0;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let history = fs::read_to_string(folder.join("history.csv"))?;
    fs::write(folder.join("history.svg"), draw(&history))
}

/// Draws the history: lines of `date,commit,ratio,value` below a heading, oldest commit first.
fn draw(history: &str) -> String {
    let rows = Vec::from_iter(history.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        let (date, commit, name) = (cells.next()?, cells.next()?, cells.next()?);
        Some(((date, commit), name, cells.next()?.parse::<f64>().ok()?))
    }));
    let mut commits = Vec::from_iter(rows.iter().map(|(commit, ..)| *commit));
    commits.dedup();
    let drawn = |name: &str| SERIES.iter().any(|(series, _)| *series == name);
    let most =
        rows.iter().filter(|(_, name, _)| drawn(name)).map(|(.., value)| *value).fold(1.0, f64::max).ceil();
    let x = |commit: usize| LEFT + WIDTH * (commit as f64 + 0.5) / commits.len().max(1) as f64;
    let y = |value: f64| TOP + HEIGHT * (1.0 - value / most);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 400\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"720\" height=\"400\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">Times as fast as the best rival, at landmark commits</text>\n"
    );
    for value in 0..=most as u32 {
        let (y, right) = (y(value.into()), LEFT + WIDTH);
        // The line at 1 is the speed of the best rival.
        let colour = if value == 1 { "#d62728" } else { "#ddd" };
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.0}\" y2=\"{y:.0}\" stroke=\"{colour}\"/>"
        );
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.0}\" text-anchor=\"end\">{value}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    for (at, (date, commit)) in commits.iter().enumerate() {
        for (line, text) in [(18.0, commit), (34.0, date)] {
            let (x, y) = (x(at), TOP + HEIGHT + line);
            let _ = writeln!(svg, "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"middle\">{text}</text>");
        }
    }
    for (at, (name, colour)) in SERIES.iter().enumerate() {
        let points = rows.iter().filter(|(_, series, _)| series == name).filter_map(|(commit, _, value)| {
            let column = commits.iter().position(|known| known == commit)?;
            Some((x(column), y(*value)))
        });
        let mut line = String::new();
        for (x, y) in points {
            let _ = write!(line, "{x:.0},{y:.0} ");
            let _ = writeln!(svg, "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.trim()
        );
        let (x, y) = (LEFT + WIDTH + 16.0, TOP + 20.0 * at as f64 + 10.0);
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\">{name}</text>");
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn every_ratio_is_a_point() {
        let svg = draw(
            "date,commit,ratio,value\n2026-01-01,aaa,decode llm 65536,1.5\n2026-01-02,bbb,decode llm 65536,3\n",
        );
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("bbb") && svg.contains("points=\"170,190 430,40\""), "{svg}");
    }
}
