internal import Foundation
internal import LocalStack

/// Processor time that processes of this machine have used, from `/proc`.
enum ProcessCPU {
    /// Seconds, user and system, of a process and of all processes that it started; `nil` if it has ended.
    static func seconds(of pid: Int32) -> Double? {
        guard let own = ticks(of: pid) else { return nil }
        let children = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
        let living = children.split(separator: " ").compactMap { Int32($0) }.compactMap { ticks(of: $0) }
        return Double(own + living.reduce(0, +)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The time of the process and of its children that have ended and were waited for (fields 14 to 17 of proc(5)).
    private static func ticks(of pid: Int32) -> Int? {
        guard let fields = ProcessStat.fields(of: pid), fields.count > 14 else { return nil }
        return fields[11...14].compactMap { Int($0) }.reduce(0, +)
    }
}
