//! From odds to words: the likeliest token, again and again, and the guards against what Whisper makes up.

use super::tokens::Tokens;

/// Most tokens of speech in a second, and what any segment may have.
const PER_SECOND: f32 = 8.0;
const AT_LEAST: usize = 10;
/// Surer than this that nothing is said, and less sure than this of the words: nothing was said.
const NOTHING: f32 = 0.6;
/// The mean log odds of tokens below which they are guesses.
const GUESSED: f32 = -1.0;
/// A segment shorter than this has too little in it to believe what is often made up, seconds.
const SHORT: f32 = 1.2;
/// Nobody speaks more letters in a second.
const LETTERS_PER_SECOND: f32 = 32.0;
/// What Whisper hears in noise, music and breath, in plain words.
const MADE_UP: [&str; 12] = [
    "thank you",
    "thanks for watching",
    "thank you for watching",
    "thank you very much",
    "you",
    "bye",
    "bye bye",
    "the end",
    "please subscribe",
    "so",
    "vielen dank",
    "gracias",
];

/// What was said in a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// As Whisper writes it.
    pub text: String,
    /// How sure its tokens are, 0 to 1.
    pub confidence: f32,
}

/// Asks `step` for the odds after each token (its place counts from 0) until the end. `seconds` is the segment's length.
/// Nothing where nothing was said, or where `step` fails.
pub fn decode(
    tokens: &Tokens,
    prompt: &[u32],
    seconds: f32,
    mut step: impl FnMut(u32, usize, &mut Vec<f32>) -> Option<()>,
) -> Option<Said> {
    let most = prompt.len() + AT_LEAST + (seconds * PER_SECOND) as usize;
    let (mut said, mut odds): (Vec<u32>, Vec<f32>) = (Vec::new(), Vec::new());
    let (mut nothing, mut sum, mut place) = (0.0, 0.0, 0);
    while place < most.min(tokens.longest) {
        let token = prompt.get(place).or(said.last()).copied()?;
        step(token, place, &mut odds)?;
        if place == 0 {
            nothing = log_odds(&odds, *odds.get(tokens.nothing as usize)?).exp();
        }
        place += 1;
        if place < prompt.len() {
            continue;
        }
        let (best, log) = likeliest(tokens, &odds, said.is_empty())?;
        sum += log;
        if best == tokens.end {
            break;
        }
        said.push(best);
        if let Some(whole) = repeats(&said) {
            said.truncate(whole);
            break;
        }
    }
    let mean = sum / (said.len() + 1) as f32;
    let text = tokens.text(&said);
    believed(&text, seconds, nothing, mean).then(|| Said { text, confidence: mean.exp().clamp(0.0, 1.0) })
}

/// How sure another machine's words are taken to be.
const ELSEWHERE: f32 = 0.8;

impl Said {
    /// What another machine says of a segment of so many seconds. Nothing where that is what such machines make up: unlike
    /// the one here it does not say how sure it is.
    pub fn elsewhere(text: &str, seconds: f32) -> Option<Self> {
        let text = text.trim();
        believed(text, seconds, NOTHING, ELSEWHERE.ln())
            .then(|| Self { text: text.to_owned(), confidence: ELSEWHERE })
    }
}

/// The likeliest token that is text or the end, and the log of its odds among those.
fn likeliest(tokens: &Tokens, odds: &[f32], first: bool) -> Option<(u32, f32)> {
    let allowed = |token: u32| {
        let ends = token == tokens.end;
        if first {
            !ends && tokens.is_text(token) && !tokens.is_blank(token)
        } else {
            ends || tokens.is_text(token)
        }
    };
    let of_text = (0_u32..).zip(odds).filter(|(token, _)| allowed(*token));
    let (best, most) = of_text.clone().max_by(|a, b| a.1.total_cmp(b.1))?;
    let sum: f32 = of_text.map(|(_, odd)| (odd - most).exp()).sum();
    Some((best, -sum.ln()))
}

/// The log of the odds of `one` among all.
fn log_odds(odds: &[f32], one: f32) -> f32 {
    let most = odds.iter().fold(f32::MIN, |most, odd| most.max(*odd));
    one - most - odds.iter().map(|odd| (odd - most).exp()).sum::<f32>().ln()
}

/// Where the tokens begin to repeat themselves: how many to keep. A loop of a few tokens may come twice ("hello, hello")
/// or three times, a sentence not.
fn repeats(said: &[u32]) -> Option<usize> {
    (1..=said.len() / 2).find_map(|length| {
        let times = if length >= 4 { 2 } else { 4 };
        let from = said.len().checked_sub(length * times)?;
        let pattern = &said[from..from + length];
        said[from..].chunks(length).all(|chunk| chunk == pattern).then_some(from + length)
    })
}

/// False for what Whisper says of noise and of too little.
fn believed(text: &str, seconds: f32, nothing: f32, mean: f32) -> bool {
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    if letters == 0 || letters as f32 > LETTERS_PER_SECOND * seconds.max(0.5) || mean < GUESSED {
        return false;
    }
    let plain: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == ' ').collect();
    let doubtful = seconds < SHORT || nothing > NOTHING / 2.0 || mean < GUESSED / 2.0;
    !(nothing > NOTHING && mean < GUESSED / 2.0 || doubtful && MADE_UP.contains(&plain.trim()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Tokens of a letter and a blank each, `z ` is never said, after them the end and the one for nothing.
    fn tokens() -> Tokens {
        let letters: String = ('a'..='y').map(|c| format!("{:02x}20\n", c as u32)).collect();
        Tokens::read(&format!("# longest 64\n# end 26\n# nothing 27\n# prompt 26\n{letters}-\n-\n-\n20\n"))
            .unwrap()
    }

    /// Says what the script says, then the end; `nothing` is how sure it is at first that nothing is said.
    fn run(script: &str, seconds: f32, sure: f32, nothing: f32) -> Option<Said> {
        let tokens = tokens();
        let script: Vec<u32> = script.bytes().map(|b| u32::from(b - b'a')).collect();
        decode(&tokens, &[26], seconds, |_, place, odds| {
            *odds = vec![0.0; 29];
            let next = script.get(place).copied().unwrap_or(26);
            odds[next as usize] = sure;
            if place == 0 {
                odds[27] = nothing;
            }
            Some(())
        })
    }

    #[test]
    fn the_likeliest_tokens_are_the_text() {
        let said = run("abc", 2.0, 9.0, 0.0).unwrap();
        assert_eq!(said.text, "a b c");
        assert!(said.confidence > 0.9);
    }

    #[test]
    fn a_loop_is_said_once() {
        assert_eq!(run("abcdeabcdeabcde", 3.0, 9.0, 0.0).unwrap().text, "a b c d e");
        assert_eq!(run("xababababab", 3.0, 9.0, 0.0).unwrap().text, "x a b");
        assert_eq!(run("hh", 2.0, 9.0, 0.0).unwrap().text, "h h", "hello, hello");
    }

    #[test]
    fn what_is_never_said_is_not_chosen() {
        let tokens = tokens();
        let mut odds = vec![0.0; 29];
        (odds[25], odds[27], odds[26], odds[28], odds[3]) = (9.0, 9.0, 8.0, 7.0, 1.0);
        assert_eq!(likeliest(&tokens, &odds, true).unwrap().0, 3, "no end, no mark and no blank at first");
        assert_eq!(likeliest(&tokens, &odds, false).unwrap().0, 26);
    }

    #[test]
    fn guesses_and_nothing_are_not_believed() {
        assert_eq!(run("abc", 2.0, 1.0, 0.0), None, "all tokens are as likely");
        assert!(run("abc", 2.0, 5.0, 0.0).is_some());
        assert!(!believed("thank you", 0.8, 0.1, -0.1), "short");
        assert!(!believed("Thank you.", 3.0, 0.5, -0.1), "perhaps nothing was said");
        assert!(believed("Thank you for holding.", 3.0, 0.0, -0.1));
        assert!(!believed("some words", 3.0, 0.8, -0.7) && believed("some words", 3.0, 0.8, -0.2));
        assert!(!believed("an impossible amount of words for so short a time", 0.6, 0.0, -0.1));
        assert!(!believed("...", 3.0, 0.0, -0.1) && !believed("", 3.0, 0.0, 0.0));
    }

    #[test]
    fn it_ends() {
        let script: String = ('a'..='y')
            .cycle()
            .scan(0, |n, c| {
                *n += 1;
                Some(if *n % 7 == 0 { 'c' } else { c })
            })
            .take(500)
            .collect();
        let said = run(&script, 1.0, 9.0, 0.0);
        assert_eq!(
            said.unwrap().text.split(' ').count(),
            19,
            "10, and 8 for a second, and the one after the prompt"
        );
        assert_eq!(decode(&tokens(), &[26], 1.0, |_, _, _| None), None, "a network that fails says nothing");
    }
}
