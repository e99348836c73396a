//! Whisper, run by TensorFlow Lite: sound in, words out.
//!
//! The encoder's window is cut to the segment, in steps: it costs what is said, not 30 s. The decoder is one step; what it
//! has said before stays here, as keys and values.

use super::decode::{Said, decode};
use super::lexicon::Language;
use super::mel::{BANDS, Mel, STEP, places};
use super::tokens::Tokens;
use std::path::Path;
use tflitec::interpreter::{Interpreter, Options};
use tflitec::model::Model;
use tflitec::tensor::Shape;

/// Windows, columns of 20 ms: the shortest that holds the segment is used.
const WINDOWS: [usize; 5] = [150, 200, 300, 400, 500];
/// Silence that a window has after the segment, columns: without it Whisper does not see the end.
const SILENCE: usize = 25;
/// Longest segment, samples: 9.5 s.
pub const LONGEST: usize = (WINDOWS[WINDOWS.len() - 1] - SILENCE) * 2 * STEP;
/// Numbers of a head in a column.
const HEAD: usize = 64;
/// Added to the odds of what there is not.
const NEVER: f32 = -1e9;
/// Inputs of the decoder before its keys and values: token, place, what was said, what is heard.
const BEFORE: usize = 4;

/// What lies in a model's folder.
pub const PARTS: [&str; 3] = ["tokens.txt", "encoder.tflite", "decoder.tflite"];

/// The files of a model, read.
pub struct Files {
    encoder: Model<'static>,
    decoder: Model<'static>,
    tokens: Tokens,
}

impl Files {
    /// Opens the three files. The networks are mapped, not read: what is not used takes no memory.
    ///
    /// # Errors
    /// In words, what is missing or wrong.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let model = |name: &str| {
            let path = folder.join(name).display().to_string();
            Model::new(&path).map_err(|error| format!("{path} is not a network that can be run: {error}"))
        };
        let [tokens, encoder, decoder] = PARTS;
        let path = folder.join(tokens);
        let text = std::fs::read_to_string(&path);
        let text = text.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let tokens = Tokens::read(&text).map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(Self { encoder: model(encoder)?, decoder: model(decoder)?, tokens })
    }

    /// What is wrong with a model that does not know this language, and what to do.
    pub fn unknown(folder: &Path, language: Language) -> String {
        let (folder, code) = (folder.display(), language.code());
        format!(
            "the speech model in {folder} does not know the language {code}: `model/words/fetch.sh {folder} base` fetches one \
             that knows English, German, French and Spanish"
        )
    }

    /// Whether the model knows this language.
    pub fn speaks(&self, language: Language) -> bool {
        self.tokens.prompt(language.code()).is_some()
    }
}

/// A recogniser that runs. All its memory is given back with it.
pub struct Recogniser<'a> {
    files: &'a Files,
    mel: Mel,
    /// The encoders of the windows that were used, the last one last.
    encoders: Vec<(usize, Interpreter<'a>)>,
    decoder: Interpreter<'a>,
    /// Layers of keys and values in the decoder, and the numbers of one in a column.
    layers: usize,
    width: usize,
    /// What the decoder has said: for each layer heads of `tokens` columns.
    said: Vec<Vec<f32>>,
}

/// Encoders that are kept at once.
const ENCODERS: usize = 2;

fn failed(error: tflitec::Error) -> String {
    format!("the speech network fails: {error}")
}

fn interpreter<'a>(model: &'a Model<'a>, fast: bool) -> Result<Interpreter<'a>, String> {
    // One token at a time is a matter of memory, which the plain kernels do as well, without a packed copy of the weights.
    let options = Options { thread_count: 1, is_xnnpack_enabled: fast };
    Interpreter::new(model, Some(options)).map_err(failed)
}

impl<'a> Recogniser<'a> {
    /// Makes the networks ready.
    ///
    /// # Errors
    /// In words, when they are not what this program was made for.
    pub fn new(files: &'a Files) -> Result<Self, String> {
        let decoder = interpreter(&files.decoder, false)?;
        decoder.allocate_tensors().map_err(failed)?;
        let inputs = decoder.input_tensor_count();
        let shape = |index| decoder.input(index).map(|t| t.shape().dimensions().clone()).map_err(failed);
        let unfit =
            || "the speech network is not one that this program was made for: convert it anew".to_owned();
        if inputs <= BEFORE || !(inputs - BEFORE).is_multiple_of(2) {
            return Err(unfit());
        }
        let layers = (inputs - BEFORE) / 2;
        let (said, heard) = (shape(BEFORE)?, shape(BEFORE + layers)?);
        let odds =
            decoder.output(0).map(|t| t.shape().dimensions().iter().product::<usize>()).map_err(failed)?;
        let fits = decoder.output_tensor_count() == 1 + layers
            && files.tokens.count() == odds
            && said.len() == 3
            && said[1] == files.tokens.longest
            && said[2] == HEAD
            && heard == [said[0], WINDOWS[WINDOWS.len() - 1], HEAD];
        if !fits {
            return Err(unfit());
        }
        Ok(Self {
            files,
            mel: Mel::default(),
            encoders: Vec::new(),
            decoder,
            layers,
            width: said[0] * HEAD,
            said: vec![vec![0.0; said.iter().product()]; layers],
        })
    }

    /// What is said in a segment of 8 kHz sound, of [`LONGEST`] samples at most; what is beyond is not heard.
    ///
    /// # Errors
    /// In words, when the networks fail.
    pub fn hear(&mut self, samples: &[i16], language: Language) -> Result<Option<Said>, String> {
        let samples = &samples[..samples.len().min(LONGEST)];
        let needed = samples.len().div_ceil(2 * STEP) + SILENCE;
        let columns =
            WINDOWS.into_iter().find(|window| *window >= needed).unwrap_or(WINDOWS[WINDOWS.len() - 1]);
        self.listen(samples, columns)?;
        let files = self.files;
        let code = language.code();
        let prompt =
            files.tokens.prompt(code).ok_or_else(|| format!("the speech model does not know {code}"))?;
        let seconds = samples.len() as f32 / 8000.0;
        let mut failure = None;
        let said = decode(&files.tokens, prompt, seconds, |token, place, odds| {
            self.step(token, place, odds).map_err(|error| failure = Some(error)).ok()
        });
        failure.map_or(Ok(said), |error| Err(failed(error)))
    }

    /// Encodes the segment and shows it to the decoder.
    fn listen(&mut self, samples: &[i16], columns: usize) -> Result<(), String> {
        let encoder = self.encoder(columns)?;
        self.encoders.push(encoder);
        let Some((_, encoder)) = self.encoders.last() else { return Ok(()) };
        encoder.copy(&self.mel.columns(samples, 2 * columns), 0).map_err(failed)?;
        encoder.invoke().map_err(failed)?;
        let longest = WINDOWS[WINDOWS.len() - 1];
        let mut beyond = vec![NEVER; longest];
        beyond[..columns].fill(0.0);
        self.decoder.copy(&beyond, 3).map_err(failed)?;
        let mut padded = vec![0.0_f32; self.width * longest];
        for layer in 0..self.layers {
            let heard = encoder.output(layer).map_err(failed)?;
            let heads = heard.data::<f32>().chunks(columns * HEAD).zip(padded.chunks_mut(longest * HEAD));
            heads.for_each(|(from, to)| to[..from.len()].copy_from_slice(from));
            self.decoder.copy(&padded, BEFORE + self.layers + layer).map_err(failed)?;
        }
        Ok(())
    }

    /// The encoder for a window, taken out of those that are kept.
    fn encoder(&mut self, columns: usize) -> Result<(usize, Interpreter<'a>), String> {
        if let Some(at) = self.encoders.iter().position(|(window, _)| *window == columns) {
            return Ok(self.encoders.remove(at));
        }
        if self.encoders.len() >= ENCODERS {
            self.encoders.remove(0);
        }
        let encoder = interpreter(&self.files.encoder, true)?;
        encoder.resize_input(0, Shape::new(vec![1, 1, 2 * columns, BANDS])).map_err(failed)?;
        encoder.resize_input(1, Shape::new(vec![1, columns, self.width])).map_err(failed)?;
        encoder.allocate_tensors().map_err(failed)?;
        encoder.copy(&places(columns, self.width), 1).map_err(failed)?;
        Ok((columns, encoder))
    }

    /// The odds of the token after `token`, which stands at `place`.
    fn step(&mut self, token: u32, place: usize, odds: &mut Vec<f32>) -> tflitec::Result<()> {
        let decoder = &self.decoder;
        let longest = self.files.tokens.longest;
        decoder.copy(&[token as i32], 0)?;
        decoder.copy(&[place as i32], 1)?;
        let mut before = vec![NEVER; longest + 1];
        before[..place].fill(0.0);
        before[longest] = 0.0;
        decoder.copy(&before, 2)?;
        for (layer, said) in self.said.iter().enumerate() {
            decoder.copy(said, BEFORE + layer)?;
        }
        decoder.invoke()?;
        let answer = decoder.output(0)?;
        odds.clear();
        odds.extend_from_slice(answer.data::<f32>());
        for (layer, said) in self.said.iter_mut().enumerate() {
            let new = decoder.output(1 + layer)?;
            for (head, new) in new.data::<f32>().chunks(HEAD).enumerate() {
                let at = (head * longest + place) * HEAD;
                said[at..at + HEAD].copy_from_slice(new);
            }
        }
        Ok(())
    }
}
