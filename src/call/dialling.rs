//! What a phone wants of the trunks: the number, whether it must go through whatever happens, and whether it may.

use super::plan::Plan;
use crate::phone::dial::{Dialled, read};
use crate::sip::plain;
use crate::trunk::number::rewrite;
use crate::trunk::toll;

/// A number for the trunks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As the household means it: without the code that hides the caller, after the household's own rules.
    pub(super) number: String,
    pub(super) emergency: bool,
    /// The caller is not to be shown.
    pub(super) private: bool,
    /// Why it may not be dialled.
    pub(super) refused: Option<String>,
}

/// What was dialled, if it is a number. An emergency number is looked for first, and then behind every prefix that the
/// box would take off: whoever dials for help must not fail for a habit.
pub(super) fn wanted(plan: &Plan, dialled: &str) -> Option<Wanted> {
    let help = |number: &str| plan.emergency.iter().find(|n| **n == plain(number)).cloned();
    let number = match read(dialled, &plan.emergency, &plan.codes) {
        Dialled::Emergency(number) => return Some(emergency(number)),
        Dialled::Number(number) => number,
        _ => return None,
    };
    let hidden = number.strip_prefix(&plan.codes.withhold).filter(|rest| !rest.is_empty());
    let (private, rest) = (hidden.is_some() || plan.dialling.private, hidden.unwrap_or(number));
    let number = rewrite(&plan.dialling.rewrite, rest);
    let on_trunks: Vec<String> = plan.peers.iter().map(|p| rewrite(&p.rules.rewrite, &number)).collect();
    let meant = [rest, &number].into_iter().chain(on_trunks.iter().map(String::as_str)).find_map(help);
    if let Some(number) = meant {
        return Some(emergency(number));
    }
    let dialling = &plan.dialling;
    let forms = plan.peers.iter().map(|p| p.rules.form);
    let read = forms.zip(&on_trunks).filter_map(|(form, n)| form.reads(dialling.numbering, n));
    let judged = [&number].into_iter().chain(&on_trunks).cloned().chain(read);
    let refused =
        judged.map(|n| toll::admit(dialling.numbering, &dialling.allowed, &n)).find_map(Result::err);
    Some(Wanted { number, emergency: false, private, refused })
}

/// What was dialled behind the code that slays from the start, if it was. Numbers for help are found there as well.
pub(super) fn to_be_slain(plan: &Plan, dialled: &str) -> Option<Wanted> {
    let Dialled::Slay(number) = read(dialled, &plan.emergency, &plan.codes) else { return None };
    let help = plan.emergency.contains(&plain(number));
    let number = plan.speed_dial(number).filter(|_| !help).unwrap_or(number);
    wanted(plan, number)
}

impl Plan {
    /// The emergency numbers as phones may dial them: as they are, as one rule of dialling makes them, and behind the code
    /// that hides the caller.
    pub fn for_help(&self) -> Vec<String> {
        let rules = || self.dialling.rewrite.iter().chain(self.peers.iter().flat_map(|p| &p.rules.rewrite));
        let made = self.emergency.iter().flat_map(|number| {
            rules().filter_map(move |r| Some(format!("{}{}", r.prefix, number.strip_prefix(&r.instead)?)))
        });
        let shown: Vec<String> = self.emergency.iter().cloned().chain(made).collect();
        let codes = [&self.codes.withhold, &self.codes.slay];
        let behind = shown.iter().flat_map(|number| codes.map(|code| format!("{code}{number}")));
        behind.chain(shown.iter().cloned()).collect()
    }
}

fn emergency(number: String) -> Wanted {
    // 911 after the habit of dialling 9 for an outside line: no provider knows it so.
    let number = if number == "9911" { "911".to_owned() } else { number };
    Wanted { number, emergency: true, private: false, refused: None }
}
