//! The last lines of the log, to be searched.

use super::answer::Answer;
use super::page::{Place, frame};
use crate::log::{self, Line};
use maud::html;
use tracing::Level;

/// What is chosen from, the worst first.
const LEVELS: [(&str, Level); 3] = [("error", Level::ERROR), ("warn", Level::WARN), ("info", Level::INFO)];

/// The page of what has `find` in it and is as bad as `level`.
pub(super) fn page(find: &str, level: &str, form: &str) -> Answer {
    let lines = chosen(log::lines(), find, level);
    let content = html! {
        p { a href="/settings" { "← Settings" } }
        h1 { "Logs" }
        form.search method="get" action="/logs" role="search" {
            label.unseen for="find" { "What to look for" }
            input #find type="search" name="find" value=(find) maxlength="64" placeholder="What to look for";
            label.unseen for="level" { "How bad" }
            select #level name="level" {
                option value="" { "everything" }
                option value="warn" selected[level == "warn"] { "warnings and errors" }
                option value="error" selected[level == "error"] { "errors" }
            }
            button { "Search" }
        }
        p.muted { "The last " (log::LINES) " lines since the box started, newest first. Passwords and tokens are never written there. How much is written, " code { "level" } " says under Log in the settings." }
        @if lines.is_empty() { section.card { p { "No line is like this." } } }
        @else { pre.log tabindex="0" translate="no" { @for line in &lines { (line.text) "\n" } } }
    };
    Answer::page(200, frame("Logs", Place::Settings, Some(form), &content))
}

/// Newest first.
fn chosen(lines: Vec<Line>, find: &str, level: &str) -> Vec<Line> {
    let find = find.to_lowercase();
    let worst = LEVELS.iter().find(|(name, _)| *name == level).map(|(_, level)| *level);
    let fits = |line: &Line| {
        // A level is the greater the less bad it is.
        worst.is_none_or(|worst| line.level <= worst) && line.text.to_lowercase().contains(&find)
    };
    lines.into_iter().rev().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_chosen_by_words_and_level() {
        let line = |level, text: &str| Line { level, text: text.into() };
        let lines = [
            line(Level::INFO, "The box is up"),
            line(Level::WARN, "the disk is full"),
            line(Level::ERROR, "the disk is gone"),
        ];
        let cases = [("", "", 3), ("DISK", "", 2), ("", "warn", 2), ("", "error", 1), ("box", "warn", 0)];
        for (find, level, count) in cases {
            assert_eq!(chosen(lines.to_vec(), find, level).len(), count, "{find} {level}");
        }
        assert_eq!(chosen(lines.to_vec(), "", "").first(), lines.last());
    }
}
