//! The resource usage of a process and its children.

use std::fs;
use std::time::Duration;

/// Processor time and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// Resident bytes (PSS): shared pages are divided among the processes that share them.
    pub(crate) memory: u64,
}

impl Usage {
    /// Returns the usage of this process and all its descendants. Linux only, because it reads
    /// `/proc`.
    pub(crate) fn of(pid: u32) -> Self {
        let mut usage =
            Self { cpu: cpu_of(pid).unwrap_or_default(), memory: memory_of(pid).unwrap_or_default() };
        for child in children_of(pid) {
            let child = Self::of(child);
            usage.cpu += child.cpu;
            usage.memory += child.memory;
        }
        usage
    }
}

/// Returns the fields of `/proc/PID/stat` after the name, which may hold any character.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

fn cpu_of(pid: u32) -> Option<Duration> {
    let stat = stat(pid)?;
    let ticks: u64 = stat.get(11)?.parse::<u64>().ok()? + stat.get(12)?.parse::<u64>().ok()?;
    // A tick is 10 ms on every common Linux.
    Some(Duration::from_millis(ticks * 10))
}

fn memory_of(pid: u32) -> Option<u64> {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = maps.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn children_of(parent: u32) -> Vec<u32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|stat| stat.get(1) == Some(&parent.to_string())))
        .collect()
}
