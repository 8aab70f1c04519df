//! Compares our decoder and encoder with rivals and floors, in turn, in one run. See
//! `benches/README.md` for how to read the result.
//!
//! ```sh
//! cargo bench -p sse-benches --bench compare                                   # prints the tables
//! cargo bench -p sse-benches --bench compare -- --write benches/README.md      # writes them to the file
//! cargo bench -p sse-benches --bench compare -- --append benches/history.csv   # appends the ratios to the file
//! cargo bench -p sse-benches --bench compare -- --only layers                  # one of decode, encode, layers, flatness
//! cargo bench -p sse-benches --bench compare -- --only "decode line-1m 65536"      # one row
//! cargo bench -p sse-benches --bench compare -- --test                         # checks everything once
//! ```

mod decoders;
mod encoders;
mod race;
mod readers;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sse_benches::inputs;

use self::decoders::Pieces;
use self::encoders::Events;
use self::race::{Effort, Times, race};
use self::readers::Served;
use self::report::{Ratio, Report};

/// The size of an input in bytes. It fits into the second-level cache.
const SIZE: usize = 1 << 20;
/// The size of the encoded output in bytes. Events and buffer fit into the second-level cache.
const OUTPUT: usize = 256 << 10;

/// Rivals that deviate from the standard: contender, input, reason. A listed rival that has become
/// right is an error, too.
const WRONG: &[(&str, &str, &str)] =
    &[("eventsource-stream", "named-cr", "a last event that ends in CR is lost")];

/// Rivals whose time grows with the square of the event size: contender, input. They would take
/// minutes.
const QUADRATIC: &[(&str, &str)] = &[("eventsource-stream", "line-64k"), ("eventsource-stream", "line-1m")];

/// The aims: the speed of borrowed events as a multiple of the best rival's, in pieces of 64 KiB.
const AIMS: [(&str, f64); 11] = [
    ("llm", 3.2),
    ("named", 4.5),
    ("ticks", 4.0),
    ("line-64k", 1.4),
    ("line-1m", 1.5),
    ("lines", 2.5),
    ("llm-crlf", 3.0),
    ("heartbeats", 4.5),
    ("llm-mixed", 1.5),
    ("llm-cjk", 1.8),
    ("named-cr", 4.5),
];

/// The maximum time of encoding, as a multiple of the floor's.
const ENCODING_AIMS: [(&str, f64); 4] = [("llm", 1.5), ("named", 2.0), ("ticks", 3.5), ("lines", 2.5)];

fn main() -> ExitCode {
    let args = Vec::from_iter(std::env::args().skip(1));
    let path = |flag: &str| args.iter().skip_while(|arg| *arg != flag).nth(1).map(from_root);
    let test = args.iter().any(|arg| arg == "--test");
    let effort = if test { Effort::TEST } else { Effort::FULL };

    let mut report = Report::default();
    let only = args.iter().skip_while(|arg| *arg != "--only").nth(1).map_or("", String::as_str);
    let wanted = |row: &str| row.split(' ').zip(only.split_whitespace()).all(|(word, only)| word == only);
    if wanted("decode") {
        decode(&mut report, effort, if test { SIZE / 16 } else { SIZE }, wanted);
    }
    if wanted("encode") {
        encode(&mut report, effort, if test { OUTPUT / 4 } else { OUTPUT });
    }
    if wanted("layers") {
        layers(&mut report, effort);
    }
    if wanted("flatness") {
        flatness(&mut report, effort, if test { 2 } else { 4 });
    }

    assert!(only.is_empty() || path("--write").is_none(), "--write needs a full run");
    let text = report.markdown();
    print!("{text}");
    let written = path("--write").map_or(Ok(()), |path| report::replace_between_marks(&path, &text));
    let appended = path("--append").map_or(Ok(()), |path| report.append_history(&path));
    match written.and(appended) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Resolves a path against the root of the repository, wherever cargo runs the bench.
fn from_root(path: &String) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn gib_per_second(bytes: usize, nanoseconds: f64) -> String {
    format!("{:.2}", bytes as f64 / nanoseconds / 1.073_741_824)
}

/// Returns the cell that says which input a row is about.
fn described(description: &str, name: &str) -> String {
    format!("{description} (`{name}`)")
}

/// Compares the decoders. All contenders must find the same events before the clock starts.
fn decode(report: &mut Report, effort: Effort, size: usize, wanted: impl Fn(&str) -> bool) {
    let streams = |size| {
        let large = inputs(4 * size).into_iter().find(|input| input.name == "line-1m");
        // Large enough for more than one event per input.
        let inputs = inputs(size).into_iter().filter(|input| input.name != "line-1m").chain(large);
        Vec::from_iter(inputs.map(|input| {
            let stream: &'static [u8] = input.stream.leak().as_bytes();
            (input.name, input.description, stream)
        }))
    };
    // Shorter inputs for small pieces: byte by byte, each run takes fifty times as long.
    let (long, short) = (streams(size), streams(size / 4));
    for (piece, title) in
        [(65536, "64 KiB"), (16384, "16 KiB"), (1460, "1460 bytes"), (64, "64 bytes"), (1, "1 byte")]
    {
        report.table(
            &format!("Decoding, in pieces of {title}"),
            &[
                "input",
                "GiB/s",
                "× best rival",
                "aim",
                "best rival",
                "memchr2",
                "utf-8",
                "memcpy",
                "owned, reused",
                "owned",
                "receiver",
            ],
        );
        for &(name, description, stream) in if piece == 1 { &short } else { &long } {
            let row = format!("decode {name} {piece}");
            if !wanted(&row) {
                continue;
            }
            let pieces = Pieces { stream, size: piece };
            let (contenders, rivals) = decoders(report, name, &pieces);
            let times = race(&contenders, &pieces, effort);
            let best = times.fastest(rivals.clone()).expect("a rival");
            let aim = AIMS.iter().find(|(input, _)| *input == name).map_or(1.0, |(_, aim)| *aim);
            let aim = match piece {
                65536 => aim,
                1460 => aim * 0.7,
                64 => 1.3,
                _ => 1.0,
            };
            let ratio = Ratio::at_least(times.ratio(0, best), aim).with_spread(times.spread(0, best));
            let of_floor = |floor: usize| format!("{:.2}", times.ratio(0, rivals.end + floor));
            let reused = Ratio::at_least(times.ratio(1, 0), if piece == 65536 { 0.65 } else { 0.0 });
            let cells = [
                described(description, name),
                gib_per_second(stream.len(), times.median(0)),
                report.ratio(row, &ratio),
                format!("{aim:.2}"),
                format!("{} {}", contenders[best].name, gib_per_second(stream.len(), times.median(best))),
                of_floor(0),
                of_floor(1),
                of_floor(2),
                report.ratio(format!("owned {name} {piece}"), &reused),
                format!("{:.2}", times.ratio(2, 0)),
                format!("{:.2}", times.ratio(3, 0)),
            ];
            report.row(&cells);
        }
    }
    report.note(
        "`memchr2`, `utf-8` and `memcpy` are floors: the speed of borrowed events as a multiple of theirs. The last three \
         columns are other forms of ours, as a multiple of the speed of borrowed events.",
    );
}

/// Returns our decoders, then the rivals that are right, then the floors, and the range of the
/// rivals.
fn decoders(
    report: &mut Report,
    input: &str,
    pieces: &Pieces,
) -> (Vec<race::Contender<Pieces>>, std::ops::Range<usize>) {
    let mut checked = decoders::ours();
    let first_rival = checked.len();
    let expected = (checked[0].sum)(pieces);
    for ours in &checked {
        assert_eq!((ours.sum)(pieces), expected, "{} on {input}", ours.contender.name);
    }
    for rival in decoders::rivals() {
        let name = rival.contender.name;
        if QUADRATIC.contains(&(name, input)) {
            report.leave_out(name, input, "its time grows with the square of an event");
            continue;
        }
        let sum = (rival.sum)(pieces);
        if let Some((.., reason)) = WRONG.iter().find(|(wrong, on, _)| (*wrong, *on) == (name, input)) {
            assert_ne!(sum, expected, "{name} is not wrong on {input} any more");
            report.leave_out(name, input, reason);
        } else {
            assert_eq!(sum, expected, "{name} on {input} in pieces of {}", pieces.size);
            checked.push(rival);
        }
    }
    let rivals = first_rival..checked.len();
    let contenders = checked.into_iter().map(|checked| checked.contender).chain(decoders::floors()).collect();
    (contenders, rivals)
}

/// Compares the encoders. The output of each contender is decoded and checked before the clock
/// starts.
fn encode(report: &mut Report, effort: Effort, size: usize) {
    report.table(
        &format!("Encoding, into a buffer that is flushed every {} KiB", encoders::FLUSHED >> 10),
        &["events", "GiB/s", "time / floor", "aim", "× best rival", "best rival", "floor GiB/s"],
    );
    for input in inputs(SIZE / 4) {
        let Some((_, aim)) = ENCODING_AIMS.iter().find(|(name, _)| *name == input.name) else { continue };
        let events = Events::new(input.stream.as_bytes(), size);
        let mut contenders = vec![encoders::floor()];
        for checked in [encoders::ours()].into_iter().chain(encoders::rivals()) {
            let output = (checked.output)(&events);
            events.assert_decodes_from(&output, checked.contender.name);
            contenders.push(checked.contender);
        }
        let times = race(&contenders, &events, effort);
        let best = times.fastest(2..contenders.len()).expect("a rival");
        let of_floor = Ratio::at_most(times.ratio(0, 1), *aim).with_spread(times.spread(0, 1));
        let of_rival = Ratio::at_least(times.ratio(1, best), 1.0);
        let cells = [
            described(input.description, input.name),
            gib_per_second(events.len, times.median(1)),
            report.ratio(format!("encode {} / floor", input.name), &of_floor),
            format!("{aim:.2}"),
            report.ratio(format!("encode {}", input.name), &of_rival),
            format!("{} {}", contenders[best].name, gib_per_second(events.len, times.median(best))),
            gib_per_second(events.len, times.median(0)),
        ];
        report.row(&cells);
    }
}

/// Measures the layers between a connection and the decoder, as a multiple of the bare decoder's
/// time.
fn layers(report: &mut Report, effort: Effort) {
    report.table(
        "Layers, reads of 16 KiB from memory: time / that of the bare decoder",
        &["input", "receiver", "sse-blocking", "sse-tokio", "receiver, chunked HTTP/1.1"],
    );
    for input in inputs(SIZE) {
        if !["llm", "named", "ticks", "lines"].contains(&input.name) {
            continue;
        }
        let served = Served::new(input.stream.leak().as_bytes());
        let contenders = readers::all();
        let times = race(&contenders, &served, effort);
        let mut cells = vec![described(input.description, input.name)];
        for (at, contender) in contenders.iter().enumerate().skip(1) {
            // No aim for the chunked response: a chunk per event is additional work.
            let aim = if at < 4 { 1.1 } else { f64::INFINITY };
            let ratio = Ratio::at_most(times.ratio(0, at), aim);
            cells.push(report.ratio(format!("{} {}", contender.name, input.name), &ratio));
        }
        report.row(&cells);
    }
}

/// Measures the time per byte of long streams, as a multiple of that of a short one.
fn flatness(report: &mut Report, effort: Effort, sizes: usize) {
    const SIZES: [(usize, &str); 4] =
        [(64 << 10, "64 KiB"), (1 << 20, "1 MiB"), (16 << 20, "16 MiB"), (64 << 20, "64 MiB")];
    let sizes = &SIZES[..sizes];
    let columns = Vec::from_iter(["input, pieces"].into_iter().chain(sizes.iter().map(|(_, title)| *title)));
    report.table("Time for a byte, as a multiple of that in a stream of 64 KiB", &columns);
    for name in ["llm", "ticks", "lines"] {
        for piece in [65536, 1460] {
            let mut cells = vec![format!("{name}, {piece}")];
            let mut first = None;
            for (size, _) in sizes {
                let input = inputs(*size).into_iter().find(|input| input.name == name).expect("an input");
                let pieces = Pieces { stream: input.stream.leak().as_bytes(), size: piece };
                let contender = decoders::ours().swap_remove(0).contender;
                let times: Times = race(&[contender], &pieces, effort);
                let per_byte = times.median(0) / pieces.stream.len() as f64;
                cells.push(format!("{:.2}", per_byte / *first.get_or_insert(per_byte)));
            }
            report.row(&cells);
        }
    }
    report.note("The longer ones do not fit the caches: what memory costs is in them.");
}
