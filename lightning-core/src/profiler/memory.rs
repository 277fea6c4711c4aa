//! How much memory the process has had.

/// The most bytes that the process had in memory at once, where the system says so: Linux's `VmHWM`.
pub(super) fn peak_resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn memory_that_was_used_is_in_the_peak() {
        let block = vec![1_u8; 32 << 20];
        let peak = super::peak_resident_bytes().expect("Linux says it");
        assert!(peak > block.iter().map(|&byte| u64::from(byte)).sum());
    }
}
