//! Writes the good inputs of a target into a folder, where cargo-fuzz begins: `seeds TARGET FOLDER`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(target), Some(folder)) = (words.next(), words.next()) else { return Err("seeds TARGET FOLDER".into()) };
    for (number, input) in fuzz::corpus::of(&target).into_iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("good-{number}")), input)?;
    }
    Ok(())
}
