//! The figures, as a table for people or as JSON for programs.

use std::time::Duration;

use serde::Serialize;

/// So many things in so much time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    count: u64,
    elapsed: Duration,
}

impl Rate {
    pub(crate) const fn new(count: u64, elapsed: Duration) -> Self {
        Self { count, elapsed }
    }

    /// Per second.
    pub(crate) fn per_second(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let count = self.count as f64;
        count / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }
}

/// One round: the peer first, then us, right after one another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) peer: Rate,
    pub(crate) ours: Rate,
}

/// What is compared with what.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Subject {
    /// `a`, `b` or `c`.
    pub(crate) part: &'static str,
    /// What is done.
    pub(crate) what: String,
    /// What is counted, per second.
    pub(crate) unit: &'static str,
    /// Who else does it.
    pub(crate) peer: &'static str,
    /// The ratio we want to reach.
    pub(crate) aim: Option<f64>,
}

/// The same work done by a peer and by us, in alternating rounds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    #[serde(flatten)]
    subject: Subject,
    /// Median of the rounds, per second.
    peer_per_second: f64,
    /// Median of the rounds, per second.
    ours_per_second: f64,
    /// Median of the rounds' own ratios, ours to the peer's.
    ratio: f64,
    lowest_ratio: f64,
    highest_ratio: f64,
    rounds: usize,
    notes: Vec<String>,
}

impl Comparison {
    /// Draws the medians.
    pub(crate) fn of(subject: Subject, rounds: &[Round], notes: Vec<String>) -> Self {
        let sorted = |figure: fn(&Round) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let ratios = sorted(|round| round.ours.per_second() / round.peer.per_second());
        Self {
            subject,
            peer_per_second: median(&sorted(|round| round.peer.per_second())),
            ours_per_second: median(&sorted(|round| round.ours.per_second())),
            ratio: median(&ratios),
            lowest_ratio: ratios.first().copied().unwrap_or_default(),
            highest_ratio: ratios.last().copied().unwrap_or_default(),
            rounds: rounds.len(),
            notes,
        }
    }

    fn cells(&self) -> [String; 7] {
        let verdict = match self.subject.aim {
            None => String::new(),
            Some(aim) if self.ratio >= aim => format!("{aim} met"),
            Some(aim) => format!("{aim} missed"),
        };
        [
            self.subject.part.to_owned(),
            self.subject.what.clone(),
            self.subject.peer.to_owned(),
            grouped(self.peer_per_second),
            grouped(self.ours_per_second),
            format!("{:.2} ({:.2}..{:.2})", self.ratio, self.lowest_ratio, self.highest_ratio),
            verdict,
        ]
    }
}

/// Everything that was measured, and where.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What must be known to read the figures.
    pub(crate) circumstances: Vec<String>,
    pub(crate) comparisons: Vec<Comparison>,
}

impl Report {
    /// The table.
    pub(crate) fn table(&self) -> String {
        let header = ["", "what", "peer", "peer/s", "ours/s", "ratio (range)", "aim"];
        let mut rows = vec![header.map(str::to_owned)];
        rows.extend(self.comparisons.iter().map(Comparison::cells));
        let mut widths = [0; 7];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &rows {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                // Figures stand right, words left.
                let (before, after) = match column {
                    3 | 4 => (padding.as_str(), ""),
                    _ => ("", padding.as_str()),
                };
                text.push_str(&format!("{before}{cell}{after}  "));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        let notes: Vec<&String> = self.comparisons.iter().flat_map(|one| &one.notes).collect();
        if !notes.is_empty() {
            text.push('\n');
        }
        for note in notes {
            text.push_str(&format!("note: {note}\n"));
        }
        text
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// A whole number with a comma between thousands.
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(peer: u64, ours: u64) -> Round {
        let second = Duration::from_secs(1);
        Round { peer: Rate::new(peer, second), ours: Rate::new(ours, second) }
    }

    fn subject(aim: Option<f64>) -> Subject {
        Subject { part: "a", what: "work".to_owned(), unit: "things", peer: "somebody", aim }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_own_ratios() {
        // A slow moment of the machine hits both sides of a round, and drops out of the ratio.
        let rounds = [round(100, 1000), round(10, 110), round(100, 900)];
        let compared = Comparison::of(subject(Some(10.0)), &rounds, Vec::new());
        assert_eq!(
            (compared.ratio, compared.lowest_ratio, compared.highest_ratio),
            (10.0, 9.0, 11.0)
        );
        assert_eq!((compared.peer_per_second, compared.ours_per_second), (100.0, 900.0));
        assert_eq!(compared.cells()[6], "10 met");
    }

    #[test]
    fn a_missed_aim_is_said_to_be_missed() {
        let compared =
            Comparison::of(subject(Some(0.7)), &[round(100, 60), round(100, 70)], vec![]);
        assert_eq!(compared.cells()[6], "0.7 missed");
        assert_eq!(Comparison::of(subject(None), &[round(1, 1)], vec![]).cells()[6], "");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(["7", "1,234", "1,234,567"], [7.2, 1234.0, 1_234_567.0].map(grouped)[..]);
    }
}
