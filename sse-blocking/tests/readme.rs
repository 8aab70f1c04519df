//! The programs in the README of the repository are those of the crates' READMEs, which are tested as documentation.

#[test]
fn the_programs_of_the_readme_are_the_tested_ones() {
    let read =
        |path: &str| std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let readme = read("README.md");
    let mut found = 0;
    for name in ["sse-proto", "sse-tokio", "sse-smol", "sse-blocking"] {
        let crate_readme = read(&format!("{name}/README.md"));
        for block in crate_readme.split("```").skip(1).step_by(2) {
            assert!(readme.contains(block), "{name}: {block}");
            found += usize::from(block.starts_with("rust"));
        }
    }
    assert_eq!(readme.matches("```rust").count(), found);
}
