//! Whisper's tokens as text.

use std::collections::HashMap;

/// The tokens of one model, as `model/words/convert.py` writes them: after lines that begin with `# ` one line for each
/// token, its bytes in hexadecimal, or `-` where it is never said (marks, symbols).
#[derive(Debug)]
pub struct Tokens {
    bytes: Vec<Option<Vec<u8>>>,
    /// Ends a text.
    pub end: u32,
    /// Stands for silence.
    pub nothing: u32,
    /// Most tokens of a text, with its prompt.
    pub longest: usize,
    prompts: HashMap<String, Vec<u32>>,
}

impl Tokens {
    /// Reads the file's text.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let (mut bytes, mut numbers, mut prompts) = (Vec::new(), HashMap::new(), HashMap::new());
        for (line, number) in text.lines().zip(1..) {
            let wrong = || format!("line {number} is not understood: {line}");
            if let Some(rest) = line.strip_prefix("# ") {
                let mut words = rest.split(' ');
                let key = words.next().unwrap_or_default();
                let values: Option<Vec<u32>> = words.map(|word| word.parse().ok()).collect();
                let values = values.ok_or_else(wrong)?;
                match key.strip_prefix("prompt") {
                    Some(language) => prompts.insert(language.trim_start_matches('_').to_owned(), values),
                    None => numbers.insert(key.to_owned(), values),
                };
            } else {
                bytes.push(if line == "-" { None } else { Some(hex(line).ok_or_else(wrong)?) });
            }
        }
        let number = |key: &str| {
            let first = numbers.get(key).and_then(|values| values.first()).copied();
            first.ok_or_else(|| format!("it does not say {key}"))
        };
        let tokens = Self {
            end: number("end")?,
            nothing: number("nothing")?,
            longest: number("longest")? as usize,
            bytes,
            prompts,
        };
        let known = |token: &u32| (*token as usize) < tokens.bytes.len();
        if !known(&tokens.end) || !known(&tokens.nothing) || !tokens.prompts.values().flatten().all(known) {
            return Err("it names a token that it does not have".into());
        }
        Ok(tokens)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.bytes.len()
    }

    /// What comes before a text in a language (ISO 639-1); nothing if the model does not know it. A model of one language
    /// has one for all.
    pub fn prompt(&self, language: &str) -> Option<&[u32]> {
        self.prompts.get(language).or_else(|| self.prompts.get("")).map(Vec::as_slice)
    }

    /// The token is text.
    pub fn is_text(&self, token: u32) -> bool {
        matches!(self.bytes.get(token as usize), Some(Some(_)))
    }

    /// The token is a blank and nothing else.
    pub fn is_blank(&self, token: u32) -> bool {
        matches!(self.bytes.get(token as usize), Some(Some(bytes)) if bytes == b" ")
    }

    /// The text of tokens, without blanks around it. Broken letters are replaced.
    pub fn text(&self, tokens: &[u32]) -> String {
        let bytes = tokens.iter().filter_map(|token| self.bytes.get(*token as usize)?.as_deref());
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>().concat()).trim().to_owned()
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const FILE: &str =
        "# longest 64\n# end 3\n# nothing 4\n# prompt_en 3\n# prompt_de 3 4\n2048c3\nbc74\n-\n-\n-\n20\n";

    #[test]
    fn tokens_become_text_across_the_bytes_of_a_letter() {
        let tokens = Tokens::read(FILE).unwrap();
        assert_eq!(tokens.text(&[0, 1, 3]), "Hüt");
        assert_eq!(tokens.text(&[1]), "\u{fffd}t");
        assert!(tokens.is_text(0) && !tokens.is_text(2) && !tokens.is_text(99) && tokens.is_blank(5));
        assert_eq!(tokens.prompt("de"), Some(&[3, 4][..]));
        assert_eq!((tokens.prompt("fr"), tokens.count(), tokens.longest), (None, 6, 64));
    }

    #[test]
    fn a_broken_file_is_told_of() {
        for (file, says) in [
            ("", "does not say end"),
            ("# end 3\n# nothing 4\n# longest 9\nzz\n", "line 4"),
            ("# end x\n", "line 1"),
            ("# end 3\n# nothing 4\n# longest 9\n20\n", "a token that it does not have"),
            ("# end 0\n# nothing 0\n# longest 9\n# prompt 7\n20\n", "a token that it does not have"),
            ("# end 0\n# nothing 0\n# longest 9\n204\n", "line 4"),
        ] {
            let error = Tokens::read(file).unwrap_err();
            assert!(error.contains(says), "{file:?}: {error}");
        }
    }
}
