//! Puts TensorFlow Lite's library where the program looks for it: beside it, or, installed, in `../lib/hold-slayer`.

use std::path::{Path, PathBuf};

const LIBRARY: &str = "libtensorflowlite_c.so";

fn main() {
    println!("cargo::rerun-if-changed=model/build.rs");
    // The program lies in target/PROFILE, its tests one folder deeper.
    for place in ["$ORIGIN", "$ORIGIN/..", "$ORIGIN/../lib/hold-slayer"] {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{place}");
    }
    let target = std::env::var("TARGET").unwrap_or_default().to_uppercase().replace('-', "_");
    let name = format!("TFLITEC_PREBUILT_PATH_{target}");
    println!("cargo::rerun-if-env-changed={name}");
    let library = std::env::var(&name).map(PathBuf::from).unwrap_or_default();
    println!("cargo::rerun-if-changed={}", library.display());
    let out = PathBuf::from(std::env::var("OUT_DIR").unwrap_or_default());
    // OUT_DIR is target/PROFILE/build/PACKAGE/out.
    let beside = out.ancestors().nth(3).map(|folder| folder.join(LIBRARY));
    if let Some(to) = beside
        && let Err(error) = put(&library, &to)
    {
        println!("cargo::error={} is not there ({error}): run `make setup`", library.display());
    }
}

/// Copies beside and renames: a program that runs keeps the library it has open.
fn put(from: &Path, to: &Path) -> std::io::Result<()> {
    let part = to.with_extension("part");
    std::fs::copy(from, &part)?;
    std::fs::rename(part, to)
}
