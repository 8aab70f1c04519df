//! The tables of a run, and its lines for the history.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

/// The results of a run, in the order in which they are printed.
#[derive(Default)]
pub(crate) struct Report {
    text: String,
    /// The ratios for the history, which keeps only ratios because they outlive the machine.
    ratios: Vec<(String, f64)>,
    missed: Vec<String>,
    left_out: BTreeSet<String>,
}

/// A ratio, and its aim.
pub(crate) struct Ratio {
    pub(crate) value: f64,
    /// Half the distance between the quartiles of the rounds.
    pub(crate) spread: Option<f64>,
    pub(crate) aim: f64,
    /// Whether less is better.
    pub(crate) at_most: bool,
}

impl Ratio {
    pub(crate) fn at_least(value: f64, aim: f64) -> Self {
        Self { value, spread: None, aim, at_most: false }
    }

    pub(crate) fn at_most(value: f64, aim: f64) -> Self {
        Self { value, spread: None, aim, at_most: true }
    }

    pub(crate) fn with_spread(self, spread: f64) -> Self {
        Self { spread: Some(spread), ..self }
    }

    fn is_met(&self) -> bool {
        if self.at_most { self.value <= self.aim } else { self.value >= self.aim }
    }
}

impl Report {
    /// Starts a table.
    pub(crate) fn table(&mut self, title: &str, columns: &[&str]) {
        let _ = writeln!(self.text, "\n### {title}\n\n| {} |", columns.join(" | "));
        let _ = writeln!(self.text, "|{}", "---|".repeat(columns.len()));
    }

    /// Adds a row to the table.
    pub(crate) fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    /// Returns the cell for a ratio, marked if it misses its aim. The history records the ratio
    /// under `name`.
    pub(crate) fn ratio(&mut self, name: String, ratio: &Ratio) -> String {
        let spread = ratio.spread.map(|spread| format!(" ± {spread:.2}")).unwrap_or_default();
        let cell = if ratio.is_met() {
            format!("{:.2}{spread}", ratio.value)
        } else {
            let than = if ratio.at_most { "at most" } else { "at least" };
            self.missed.push(format!("{name} is {:.2}, should be {than} {:.2}", ratio.value, ratio.aim));
            format!("**{:.2}**{spread} ✗", ratio.value)
        };
        self.ratios.push((name, ratio.value));
        cell
    }

    /// Notes that a rival is not measured on an input.
    pub(crate) fn leave_out(&mut self, rival: &str, input: &str, reason: &str) {
        self.left_out.insert(format!("{rival} on {input}: {reason}"));
    }

    /// Adds a paragraph.
    pub(crate) fn note(&mut self, text: &str) {
        let _ = writeln!(self.text, "\n{text}");
    }

    /// Returns the whole report, with the machine at the top and the missed aims at the bottom.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "{}, commit {}.\n{}",
            machine(),
            output("git", &["rev-parse", "--short", "HEAD"]),
            self.text
        );
        if !self.left_out.is_empty() {
            let left_out = Vec::from_iter(self.left_out.iter().map(String::as_str));
            let _ = writeln!(text, "\nLeft out:\n\n- {}", left_out.join("\n- "));
        }
        match &self.missed[..] {
            [] => text.push_str("\nEvery aim is met.\n"),
            missed => {
                let _ = writeln!(text, "\nAims that are not met:\n\n- {}", missed.join("\n- "));
            }
        }
        text
    }

    /// Appends a line for each ratio to the history.
    pub(crate) fn append_history(&self, path: &Path) -> io::Result<()> {
        let commit = output("git", &["show", "--no-patch", "--format=%cs,%h", "HEAD"]);
        let mut file = OpenOptions::new().append(true).open(path)?;
        self.ratios.iter().try_for_each(|(name, value)| writeln!(file, "{commit},{name},{value:.3}"))
    }
}

/// Replaces the text between the marks in a file.
pub(crate) fn replace_between_marks(path: &Path, text: &str) -> io::Result<()> {
    const BEGIN: &str = "<!-- table -->\n";
    const END: &str = "<!-- end of table -->";
    let old = fs::read_to_string(path)?;
    let (Some((before, _)), Some((_, after))) = (old.split_once(BEGIN), old.split_once(END)) else {
        return Err(io::Error::other(format!("{} has no {BEGIN}", path.display())));
    };
    fs::write(path, format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models =
        Vec::from_iter(cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split(": ").nth(1)));
    let model = models.first().unwrap_or(&"unknown processor");
    format!(
        "{} × {model}, {}, {}",
        models.len().max(1),
        std::env::consts::OS,
        output("rustc", &["--version"])
    )
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output
        .map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
