//! What was heard, drawn as a strip: one bar for each stretch of sound. Height and words tell the sounds apart, not
//! colour alone.

use super::words;
use crate::listen::Sound;
use maud::{Markup, html};
use std::collections::BTreeMap;

const WIDTH: u64 = 1000;
const HEIGHT: u64 = 40;

/// A stretch of sound: from, to, what; milliseconds since the call began.
pub(super) type Stretch = (u64, u64, Sound);

/// Stretches from the times at which sounds began; the last one ends at `end`.
pub(super) fn stretches(began: impl IntoIterator<Item = (u64, Sound)>, end: u64) -> Vec<Stretch> {
    let began: Vec<(u64, Sound)> = began.into_iter().collect();
    let ends = began.iter().skip(1).map(|&(at, _)| at).chain([end]);
    began.iter().zip(ends).map(|(&(from, sound), to)| (from, to.max(from), sound)).collect()
}

/// How long each sound was heard, longest first, milliseconds.
pub(super) fn totals(stretches: &[Stretch]) -> Vec<(Sound, u64)> {
    let mut sums = BTreeMap::new();
    for &(from, to, sound) in stretches {
        *sums.entry(sound).or_insert(0) += to - from;
    }
    let mut sums: Vec<(Sound, u64)> = sums.into_iter().collect();
    sums.sort_by_key(|&(_, ms)| core::cmp::Reverse(ms));
    sums
}

fn height(class: &str) -> u64 {
    match class {
        "quiet" => 6,
        "tone" => 14,
        "music" => 22,
        "announcement" => 31,
        _ => HEIGHT,
    }
}

/// The strip with its legend. `marks` are further moments to point out.
pub(super) fn draw(stretches: &[Stretch], marks: &[u64]) -> Markup {
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return html! {} };
    let (from, span) = (first.0, last.1.saturating_sub(first.0).max(1));
    let x = |at: u64| at.saturating_sub(from).min(span).saturating_mul(WIDTH) / span;
    let totals = totals(stretches);
    let summary: Vec<String> =
        totals.iter().map(|&(sound, ms)| format!("{} {}", words::sound(sound), words::length(ms))).collect();
    html! {
        svg.strip viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label={ "Heard: " (summary.join(", ")) } {
            @for &(from, to, sound) in stretches {
                @let class = words::sound_class(sound);
                rect class=(class) x=(x(from)) y=(HEIGHT - height(class)) height=(height(class))
                    width=((x(to) - x(from)).max(3)) {
                    title { (words::clock(from)) " " (words::sound(sound)) ", " (words::length(to - from)) }
                }
            }
            @for &at in marks { rect.mark x=(x(at)) y="0" width="2" height=(HEIGHT) {} }
        }
        ul.legend aria-hidden="true" {
            @for &(sound, ms) in &totals {
                li { span class={ "key " (words::sound_class(sound)) } {} (words::sound(sound)) " "
                    span.muted { (words::length(ms)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_meet_and_add_up() {
        let heard = [(1000, Sound::Music), (5000, Sound::Speech), (6000, Sound::Music)];
        let stretches = stretches(heard, 9000);
        assert_eq!(
            stretches,
            [(1000, 5000, Sound::Music), (5000, 6000, Sound::Speech), (6000, 9000, Sound::Music)]
        );
        assert_eq!(totals(&stretches), [(Sound::Music, 7000), (Sound::Speech, 1000)]);
    }

    #[test]
    fn times_out_of_order_are_drawn_and_do_not_fail() {
        let drawn = draw(&stretches([(9000, Sound::Music), (10, Sound::Speech)], 5), &[0, u64::MAX]);
        assert!(drawn.into_string().contains("<svg"));
        assert!(draw(&[], &[]).into_string().is_empty());
    }
}
