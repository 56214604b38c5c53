import Foundation
import Glibc

/// Bytes of this process that are in memory: the server's and the tests', but for what was given back and not returned yet.
func residentBytes() throws -> Int {
    // Swift's Glibc has no malloc.h.
    typealias Trim = @convention(c) (Int) -> CInt
    if let trim = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(trim, to: Trim.self)(0) }
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) << 10
}
