//! A call that the page's form asks for.

use super::super::api::shapes::{Chosen, Mode, Place};
use super::super::words;
use super::Visit;

impl Visit<'_> {
    /// What the form says; a field that is left empty is not there.
    pub(super) fn place(&self) -> Place {
        let mode = match self.sent("mode") {
            Some("direct") => Mode::Direct,
            Some("ai_assisted") => Mode::AiAssisted,
            _ => Mode::HoldSlayer,
        };
        let filled = |name| self.sent(name).filter(|text| !text.trim().is_empty());
        let version = self.sent("flow").and_then(|id| id.parse().ok());
        let task = filled("task").filter(|_| mode == Mode::AiAssisted);
        Place {
            number: words::dialled(self.sent("number").unwrap_or_default()),
            mode,
            flow: version.map_or_else(Chosen::default, Chosen::Version),
            wish: filled("wish").map(str::to_owned),
            // A line of the form is no sentence of its own.
            task: task.map(|task| task.split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }
}
