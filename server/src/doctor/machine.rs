//! The machine: its clock, time zones, open files and memory.
#![expect(clippy::disallowed_methods, reason = "a blocking thread of a command that serves nobody")]

use std::fs;

use domain::{
    ports::Clock,
    time::{MAX_CLOCK_LEAD_MS, Millis},
};
use jiff::tz::TimeZone;

use super::{finding::Finding, system};
use crate::startup::{COLUMN_CACHE_BYTES, SystemClock};

/// 2026-01-01: this program did not exist before.
const BUILT_AFTER: Millis = Millis(1_767_225_600_000);
/// Open files below which a busy server fails, and below which it is meagre: each listener, file and connection is one.
const MIN_OPEN_FILES: u64 = 256;
const WARN_OPEN_FILES: u64 = 1_024;
/// What a server needs beside the columns that it holds, in bytes.
const BESIDE_CACHE: u64 = 256 << 20;

pub fn checks(newest: Option<Millis>) -> Vec<Finding> {
    let mut found = vec![clock(SystemClock.now(), newest), time_zones(), open_files(system::open_files())];
    let read = |path: &str| fs::read_to_string(path).ok();
    let free = [read("/proc/meminfo").and_then(|t| available(&t)), in_group(read)].into_iter().flatten().min();
    found.extend(free.map(memory));
    found
}

fn clock(now: Millis, newest: Option<Millis>) -> Finding {
    const NAME: &str = "clock";
    const SET: &str =
        "Set the clock of this machine (timedatectl set-ntp true): ages, ranges and the check of new records go by it.";
    if now < BUILT_AFTER {
        return Finding::error(NAME, format!("it says {now}, which lies before this program was written"), SET);
    }
    match newest {
        Some(newest) if newest > now.plus(MAX_CLOCK_LEAD_MS) => Finding::error(
            NAME,
            format!("it says {now}, and the newest record is of {newest}: more than 24 hours ahead"),
            SET,
        ),
        _ => Finding::ok(NAME, format!("it says {now}")),
    }
}

fn time_zones() -> Finding {
    // Both sides of the world; the second has a zone in summer.
    match ["Asia/Seoul", "America/New_York"].iter().find(|name| TimeZone::get(name).is_err()) {
        None => Finding::ok("time_zones", "their data is there"),
        Some(missing) => Finding::error(
            "time_zones",
            format!("nothing is known of {missing}"),
            "Install tzdata, or unset ZONEINFO and TZDIR.",
        ),
    }
}

fn open_files(limit: Option<u64>) -> Finding {
    const NAME: &str = "open_files";
    let Some(limit) = limit else { return Finding::ok(NAME, "no limit") };
    let seen = format!("at most {limit} at once");
    let cure = "Raise the limit: ulimit -n 4096 before the start, or LimitNOFILE=4096 in the service.";
    match limit {
        n if n < MIN_OPEN_FILES => Finding::error(NAME, seen, cure),
        n if n < WARN_OPEN_FILES => Finding::warning(NAME, seen, cure),
        _ => Finding::ok(NAME, seen),
    }
}

fn memory(free: u64) -> Finding {
    const NAME: &str = "memory";
    let cache = COLUMN_CACHE_BYTES as u64;
    let seen =
        format!("{} MB are available; up to {} MB hold columns that questions read again", free >> 20, cache >> 20);
    let cure = "Give the machine or the container more memory, or stop something else: without it the system may kill the server.";
    match free {
        n if n < cache => Finding::error(NAME, seen, cure),
        n if n < cache + BESIDE_CACHE => Finding::warning(NAME, seen, cure),
        _ => Finding::ok(NAME, seen),
    }
}

/// Bytes that can be had, of /proc/meminfo.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb << 10)
}

/// Bytes that the group of this process may still use (a container's limit); `None` without a limit.
fn in_group(read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let of = |file: &str| read(&format!("/sys/fs/cgroup/{file}"));
    let limit: u64 = of("memory.max")?.trim().parse().ok()?;
    let used: u64 = of("memory.current")?.trim().parse().ok()?;
    // The page cache counts as used, and is given up for whoever needs memory.
    let cached = of("memory.stat").and_then(|t| t.lines().find_map(|l| l.strip_prefix("inactive_file ")?.parse().ok()));
    Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{Error, Ok as Fine, Warning};

    #[test]
    fn a_clock_is_held_against_the_program_and_the_newest_record() {
        let now = Millis(1_800_000_000_000);
        assert_eq!(clock(Millis(0), None).state, Error);
        assert_eq!([None, Some(now), Some(now.plus(MAX_CLOCK_LEAD_MS))].map(|n| clock(now, n).state), [Fine; 3]);
        assert_eq!(clock(now, Some(now.plus(MAX_CLOCK_LEAD_MS + 1))).state, Error);
        assert_eq!(time_zones().state, Fine);
    }

    #[test]
    fn limits_are_judged() {
        assert_eq!([Some(64), Some(256), Some(1_024), None].map(|n| open_files(n).state), [Error, Warning, Fine, Fine]);
        assert_eq!([100 << 20, 200 << 20, 4 << 30].map(|n| memory(n).state), [Error, Warning, Fine]);
    }

    #[test]
    fn memory_is_read_as_linux_writes_it() {
        assert_eq!(available("MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:   16384 kB\n"), Some(16 << 20));
        assert_eq!(available("MemTotal: 100 kB\n"), None);
        let group = |max: &'static str| {
            move |path: &str| {
                let file = path.rsplit('/').next().unwrap_or_default();
                let text = match file {
                    "memory.max" => max,
                    "memory.current" => "700\n",
                    _ => "anon 300\ninactive_file 200\n",
                };
                Some(text.to_owned())
            }
        };
        assert_eq!((in_group(group("1000\n")), in_group(group("max\n")), in_group(|_| None)), (Some(500), None, None));
    }
}
