//! What a picture of sound is: a small int8 network, trained by `model/` and run by TensorFlow Lite with XNNPACK.

use super::features::FEATURES;
use tflitec::interpreter::{Interpreter, Options};
use tflitec::model::Model;
use tflitec::tensor::{DataType, Tensor};

/// The network. `model/README.md` says what it heard and what it gets wrong.
static NETWORK: &[u8] = include_bytes!("../../model/ear.tflite");
/// Its answers: five classes, then whether a voice is live.
const ANSWERS: usize = 6;

/// Probabilities of what is heard; the five classes add up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Classes {
    /// Steady noise, clicks, breath, silence.
    pub noise: f32,
    /// Music without voices.
    pub music: f32,
    /// Song.
    pub vocals: f32,
    /// Speech and nothing else.
    pub speech: f32,
    /// Speech with music beneath: no live agent sounds like that.
    pub over_music: f32,
    /// If it is speech, how much it sounds live rather than recorded in a studio. A hint: the studios are few.
    pub live: f32,
}

/// The interpreter, with its output as it stands in memory.
struct Network {
    interpreter: &'static Interpreter<'static>,
    output: Tensor<'static>,
    scale: f32,
    zero: i32,
}

thread_local! {
    /// One for all listeners of a thread: it keeps nothing between two pictures. Made once and never given back, because
    /// the output that is fetched once (fetching allocates) borrows it.
    static NET: Result<Network, String> = Network::new();
}

impl Network {
    fn new() -> Result<Self, String> {
        let failed =
            |error: tflitec::Error| format!("TensorFlow Lite cannot run the sound classifier: {error}");
        let model: &'static Model = Box::leak(Box::new(Model::from_bytes(NETWORK).map_err(failed)?));
        let options = Options { thread_count: 1, is_xnnpack_enabled: true };
        let interpreter: &'static Interpreter =
            Box::leak(Box::new(Interpreter::new(model, Some(options)).map_err(failed)?));
        interpreter.allocate_tensors().map_err(failed)?;
        let input = interpreter.input(0).map_err(failed)?;
        interpreter.invoke().map_err(failed)?;
        let output = interpreter.output(0).map_err(failed)?;
        let int8 = input.data_type() == DataType::Int8 && output.data_type() == DataType::Int8;
        let shaped = input.data::<i8>().len() == FEATURES && output.data::<i8>().len() == ANSWERS;
        match output.quantization_parameters() {
            Some(q) if int8 && shaped => Ok(Self { interpreter, output, scale: q.scale, zero: q.zero_point }),
            _ => Err("the sound classifier is not the network that this program was made for".into()),
        }
    }

    fn answers(&self, features: &[i8; FEATURES]) -> Option<[f32; ANSWERS]> {
        self.interpreter.copy(features, 0).and_then(|()| self.interpreter.invoke()).ok()?;
        let raw = self.output.data::<i8>().first_chunk::<ANSWERS>()?;
        Some(raw.map(|x| (i32::from(x) - self.zero) as f32 * self.scale))
    }
}

/// Makes this thread's network, so that [`classify`] allocates nothing later.
///
/// # Errors
/// In words, when the library and the network do not fit each other: then nothing can be heard.
pub fn ready() -> Result<(), String> {
    NET.with(|net| net.as_ref().map(|_| ()).map_err(Clone::clone))
}

/// Classifies one picture. Where [`ready`] failed, everything is noise.
pub fn classify(features: &[i8; FEATURES]) -> Classes {
    let answers = NET.with(|net| net.as_ref().ok().and_then(|net| net.answers(features)));
    let Some([odds @ .., live]) = answers else {
        return Classes { noise: 1.0, ..Classes::default() };
    };
    let most = odds.iter().fold(f32::MIN, |a, &b| a.max(b));
    let odds: [f32; ANSWERS - 1] = odds.map(|o| (o - most).exp());
    let sum: f32 = odds.iter().sum();
    let [noise, music, vocals, speech, over_music] = odds.map(|o| o / sum);
    Classes { noise, music, vocals, speech, over_music, live: 1.0 / (1.0 + (-live).exp()) }
}
