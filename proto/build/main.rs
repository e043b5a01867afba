//! Compiles the contract with protox (no protoc is needed), and generates what the contract knows beyond its messages:
//! the closed words of its enumerations, and which request goes where.

mod facts;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_types::{FileDescriptorProto, FileDescriptorSet};

/// Messages with personal data: `src/personal.rs` says how they print.
const PERSONAL: [&str; 9] = [
    ".redress.intake.v1.AnswerFollowUpRequest",
    ".redress.intake.v1.AnswerPlanRequest",
    ".redress.intake.v1.AnswerQuestionRequest",
    ".redress.intake.v1.Contact",
    ".redress.intake.v1.Evidence",
    ".redress.intake.v1.EvidenceHeader",
    ".redress.intake.v1.NewLine",
    ".redress.intake.v1.WithdrawClaimRequest",
    ".redress.intake.v1.Word",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new("redress");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    find(root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    // With the options of our own, which the typed set drops.
    let bytes = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("redress.bin"), &bytes)?;
    // Nobody but people reads the comments.
    compiler.include_source_info(false);
    fs::write(out.join("bare.bin"), compiler.encode_file_descriptor_set())?;

    for package in packages(&descriptors) {
        let words = words::of(&descriptors, package);
        fs::write(out.join(format!("{package}.words.rs")), words)?;
    }
    fs::write(out.join("facts.rs"), facts::of(&descriptors))?;

    tonic_prost_build::configure()
        .skip_debug(PERSONAL)
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_well_known_types(true)
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new().register_descriptors(&bytes)?.ignore_unknown_fields().build(&[".redress"])?;
    Ok(())
}

/// The packages of our own, each once.
fn packages(files: &FileDescriptorSet) -> BTreeSet<&str> {
    files.file.iter().map(FileDescriptorProto::package).filter(|package| package.starts_with("redress.")).collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
