import FoundationEssentials

/// Facts about a process from `/proc/<pid>/stat` (proc(5)).
package enum ProcessStat {
    /// The fields from the third on, which is the state. The second one is a name that may have spaces. `nil` if there is no such
    /// process.
    package static func fields(of pid: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: name)...].split(separator: " ")
    }

    /// `T` means stopped by a signal.
    package static func state(of pid: Int32) -> Character? { fields(of: pid)?.first?.first }
}
