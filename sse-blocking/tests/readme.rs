//! The programs in the README of the repository, and in its guides, are those of the crates' READMEs, which are tested as documentation.

#[test]
fn the_programs_of_the_readme_are_the_tested_ones() {
    let read =
        |path: &str| std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let tested =
        ["sse-proto", "sse-tokio", "sse-smol", "sse-blocking"].map(|name| read(&format!("{name}/README.md")));
    let readme = read("README.md");
    let mut found = 0;
    for block in readme.split("```").skip(1).step_by(2).filter(|block| block.starts_with("rust")) {
        assert!(tested.iter().any(|tested| tested.contains(block)), "{block}");
        found += 1;
    }
    assert_eq!(found, 3);
}
