//! No test is left out of the list in its suite's macro.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The source files in a folder, and in those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_test_is_in_the_list_of_its_suite() {
    let suites = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/suites");
    let mut tests = 0;
    for suite in fs::read_dir(&suites).unwrap() {
        let suite = suite.unwrap().path();
        let files = if suite.is_dir() { files(&suite) } else { vec![suite.clone()] };
        let source: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for word in source.split(|character: char| !character.is_alphanumeric() && character != '_') {
            *counts.entry(word).or_default() += 1;
        }
        for line in source.lines() {
            let function = line.strip_prefix("pub fn ").or_else(|| line.strip_prefix("pub async fn "));
            let Some((name, _)) = function.and_then(|rest| rest.split_once(['<', '('])) else { continue };
            // Where it is defined, and in the list.
            assert!(counts[name] > 1, "{name} of {} is in no list", suite.display());
            tests += 1;
        }
    }
    assert!(tests > 150, "only {tests} tests");
}
