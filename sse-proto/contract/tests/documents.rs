//! The README and the guides stay short, and their links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

const PLACES: [&str; 7] =
    ["", "sse-proto", "sse-proto/docs", "sse-proto/async", "sse-tokio", "sse-smol", "sse-blocking"];

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let entries = PLACES.iter().flat_map(|place| fs::read_dir(root.join(place)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn every_link_to_a_file_finds_it() {
    let mut links = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("::") || file.starts_with("http") {
                continue;
            }
            assert!(document.with_file_name(file).exists(), "{}: {target}", document.display());
            links += 1;
        }
    }
    assert!(links > 20, "{links} links");
}

#[test]
fn the_readme_is_short() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    assert!(readme.lines().count() <= 200);
}
