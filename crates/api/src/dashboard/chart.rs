//! Earnings by day as a picture: a wide one for desks and paper, a narrow one for phones.
//!
//! The colours are placeholders that the style sheet replaces with those of the reader's scheme, so
//! the pictures need no `style` attribute and follow light, dark and print.

use kernel::{Currency, Money};
use plotters::{
    coord::Shift,
    prelude::{DrawingArea, IntoDrawingArea, PathElement, RGBColor, Rectangle, SVGBackend, Text},
    style::{
        Color, IntoTextStyle, ShapeStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::shown::{Amount, day_label};

/// One day's bars, minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayBars {
    /// The day, `2026-03-01`.
    pub(crate) day: String,
    /// What was sold that day.
    pub(crate) gross: i64,
    /// What stayed of it after fees, refunds and disputes.
    pub(crate) net: i64,
}

/// Width and height in pixels.
type Size = (u32, u32);

const WIDE: Size = (960, 260);
const NARROW: Size = (360, 240);

/// Placeholders; `daybook.css` gives them their true colours.
const GROSS: RGBColor = RGBColor(0xB7, 0xC9, 0xD9);
const NET: RGBColor = RGBColor(0x1F, 0x5F, 0x8B);
const LOSS: RGBColor = RGBColor(0xB3, 0x43, 0x2B);
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xD6);
const WORDS: RGBColor = RGBColor(0x5B, 0x60, 0x66);

type Plot<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The wide and the narrow picture; `None` when there is nothing to draw.
#[must_use]
pub(crate) fn earnings(days: &[DayBars], currency: Currency) -> Option<(String, String)> {
    Some((draw(days, currency, WIDE)?, draw(days, currency, NARROW)?))
}

fn draw(days: &[DayBars], currency: Currency, size: Size) -> Option<String> {
    if days.is_empty() {
        return None;
    }
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let outcome = paint(&area, days, currency, size).and_then(|()| Ok(area.present()?));
        if let Err(error) = outcome {
            tracing::error!(%error, "a chart could not be drawn");
            return None;
        }
    }
    // The picture repeats a table that stands beside it, so it is hidden from readers by ear.
    Some(svg.replacen("<svg ", "<svg aria-hidden=\"true\" focusable=\"false\" ", 1))
}

/// From minor units to pixels.
struct Scale {
    top: i64,
    bottom: i64,
    pixels: i64,
    offset: i64,
}

impl Scale {
    fn y(&self, minor: i64) -> i32 {
        let (top, bottom) = (i128::from(self.top), i128::from(self.bottom));
        let span = (top - bottom).max(1);
        let above = (top - i128::from(minor)) * i128::from(self.pixels) / span;
        i32::try_from(above + i128::from(self.offset)).unwrap_or(i32::MAX)
    }
}

fn paint(area: &Plot<'_>, days: &[DayBars], currency: Currency, size: Size) -> Drawn {
    let (width, height) = (i32::try_from(size.0)?, i32::try_from(size.1)?);
    let narrow = size.0 < 500;
    let highest = days.iter().map(|day| day.gross.max(day.net)).max().unwrap_or(0).max(1);
    let lowest = days.iter().map(|day| day.gross.min(day.net)).min().unwrap_or(0).min(0);
    let step = step(highest.saturating_sub(lowest), if narrow { 3 } else { 4 });
    let top = highest.div_euclid(step).saturating_add(1).saturating_mul(step);
    let bottom = lowest.div_euclid(step).saturating_mul(step);
    let ticks: Vec<i64> = (0..12)
        .map(|n| bottom.saturating_add(step.saturating_mul(n)))
        .take_while(|t| *t <= top)
        .collect();
    let labels: Vec<String> = ticks.iter().map(|tick| tick_label(*tick, currency)).collect();
    let longest = labels.iter().map(String::len).max().unwrap_or(0);
    let left = 14 + 7 * i32::try_from(longest)?;
    let scale = Scale { top, bottom, pixels: i64::from(height - 44), offset: 12 };

    let words = ("sans-serif", 12).into_text_style(area).color(&WORDS);
    for (tick, label) in ticks.iter().zip(labels) {
        let y = scale.y(*tick);
        let line = if *tick == 0 { WORDS } else { GRID };
        area.draw(&PathElement::new([(left, y), (width - 6, y)], ShapeStyle::from(&line)))?;
        let end = words.pos(Pos::new(HPos::Right, VPos::Center));
        area.draw(&Text::new(label, (left - 8, y), end))?;
    }
    bars(area, days, &scale, (left, width - 6))?;
    let count = i32::try_from(days.len())?;
    let every = count.div_euclid(if narrow { 4 } else { 10 }).max(1);
    for (n, day) in (0_i32..).zip(days).filter(|(n, _)| n % every == 0) {
        let center = left + (width - 6 - left) * (2 * n + 1) / (2 * count);
        let below = words.pos(Pos::new(HPos::Center, VPos::Top));
        area.draw(&Text::new(day_label(&day.day), (center, height - 24), below))?;
    }
    Ok(())
}

fn bars(area: &Plot<'_>, days: &[DayBars], scale: &Scale, (left, right): (i32, i32)) -> Drawn {
    let count = i32::try_from(days.len())?;
    for (n, day) in (0_i32..).zip(days) {
        let from = left + (right - left) * n / count;
        let to = left + (right - left) * (n + 1) / count;
        let center = i32::midpoint(from, to);
        let half = ((to - from) * 2 / 5).clamp(1, 22);
        let zero = scale.y(0);
        let bar = |minor: i64, half: i32, color: RGBColor| {
            let corners = [(center - half, scale.y(minor)), (center + half, zero)];
            area.draw(&Rectangle::new(corners, color.filled()))
        };
        if day.gross != 0 {
            bar(day.gross, half, GROSS)?;
        }
        if day.net != 0 {
            bar(day.net, (half * 3 / 5).max(1), if day.net < 0 { LOSS } else { NET })?;
        }
    }
    Ok(())
}

/// A round distance between grid lines, so that about so many fit: 1, 2 or 5 times a power of ten.
fn step(span: i64, lines: i64) -> i64 {
    let wanted = span.div_euclid(lines).max(1);
    let mut power = 1_i64;
    while wanted.div_euclid(10) >= power {
        power = power.saturating_mul(10);
    }
    [1, 2, 5, 10]
        .into_iter()
        .map(|digit| power.saturating_mul(digit))
        .find(|step| *step >= wanted)
        .unwrap_or(wanted)
}

/// A grid line's amount without needless zeros: `1,200`, `0.5`.
fn tick_label(minor: i64, currency: Currency) -> String {
    let digits = Amount(Money::new(minor, currency)).digits();
    match digits.split_once('.') {
        Some((whole, fraction)) if fraction.chars().all(|c| c == '0') => whole.to_owned(),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(bars: &[(i64, i64)]) -> Vec<DayBars> {
        (1..)
            .zip(bars)
            .map(|(n, (gross, net))| DayBars {
                day: format!("2026-03-{n:02}"),
                gross: *gross,
                net: *net,
            })
            .collect()
    }

    #[test]
    fn a_chart_carries_no_inline_style_and_no_script() {
        let days = days(&[(10_000, 9000), (0, -4000), (0, 0)]);
        let (wide, narrow) = earnings(&days, Currency::USD).unwrap();
        for svg in [&wide, &narrow] {
            assert!(!svg.contains("style="), "{svg}");
            assert!(!svg.contains("<script"), "{svg}");
            assert!(svg.contains("#B3432B"), "a loss has a colour of its own: {svg}");
        }
        assert!(wide.contains("viewBox=\"0 0 960 260\"") && narrow.contains("0 0 360 240"));
    }

    #[test]
    fn nothing_is_drawn_of_nothing_and_extremes_do_not_break_it() {
        assert_eq!(earnings(&[], Currency::USD), None);
        assert!(earnings(&days(&[(i64::MAX, i64::MIN + 1)]), Currency::USD).is_some());
        assert!(earnings(&days(&[(0, 0)]), "JPY".parse().unwrap()).is_some());
    }

    #[test]
    fn grid_lines_stand_at_round_amounts() {
        assert_eq!(
            [step(1, 4), step(37, 4), step(1000, 4), step(260_000, 4)],
            [1, 10, 500, 100_000]
        );
        assert_eq!(tick_label(50_000, Currency::USD), "500");
        assert_eq!(tick_label(50, Currency::USD), "0.50");
    }
}
