//! Written by `model/dsp/train.py`: see its README for how the weights came to be.
use super::features::FEATURES;
pub const HIDDEN: usize = 1;
pub const MEAN: [f32; FEATURES] = [0.0; FEATURES];
pub const SCALE: [f32; FEATURES] = [1.0; FEATURES];
pub const HIDDEN_BIAS: [f32; HIDDEN] = [0.0; HIDDEN];
pub const HIDDEN_WEIGHTS: [[f32; FEATURES]; HIDDEN] = [[0.0; FEATURES]; HIDDEN];
pub const OUT_BIAS: [f32; 4] = [0.0; 4];
pub const OUT_WEIGHTS: [[f32; HIDDEN]; 4] = [[0.0; HIDDEN]; 4];
