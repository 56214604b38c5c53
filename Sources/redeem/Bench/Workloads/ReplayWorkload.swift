internal import Glibc
internal import LoadGenerator
internal import NIOCore

/// The requests of a file, each once, in their order.
final class ReplayWorkload: Workload {
    private let replay: Replay
    private let kind: Int
    private let threads: Int
    private var position: Int

    /// - Parameter thread: one of `threads`, which take turns with the lines.
    init(_ replay: Replay, kind: Int, thread: Int, of threads: Int) {
        self.replay = replay
        self.kind = kind
        self.threads = threads
        position = thread
    }

    var supply: WorkloadSupply { position < replay.count ? .ready : .exhausted }

    func next(into buffer: inout ByteBuffer) -> WorkloadRequest {
        defer { position += threads }
        _ = replay.withRequest(position) { buffer.writeBytes($0) }
        return WorkloadRequest(kind: kind, tag: position)
    }

    func outcome(status: Int, body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        if meets(status, body) {
            let met = Expectation.metText
            return UnsafeRawBufferPointer(start: met.utf8Start, count: met.utf8CodeUnitCount)
        }
        return status >= 400 ? ReplayWorkload.code.string(in: body) : nil
    }

    func ended(_ request: WorkloadRequest, _ end: WorkloadEnd) {}

    private func meets(_ status: Int, _ body: UnsafeRawBufferPointer) -> Bool {
        switch replay.expectation {
        case .success: return (200...299).contains(status)
        case .status(let expected): return status == expected
        case .text(let text): return text.withUnsafeBytes { ReplayWorkload.find($0, in: body) }
        }
    }

    /// Goes from one byte that is like the first to the next. Swift does not see glibc's `memmem`.
    private static func find(_ text: UnsafeRawBufferPointer, in body: UnsafeRawBufferPointer) -> Bool {
        guard let base = body.baseAddress, let start = text.baseAddress else { return false }
        var offset = 0
        while offset + text.count <= body.count, let found = memchr(base + offset, Int32(text[0]), body.count - offset) {
            let place = UnsafeRawPointer(found) - base
            guard place + text.count <= body.count else { return false }
            if memcmp(found, start, text.count) == 0 { return true }
            offset = place + 1
        }
        return false
    }

    private static let code = JSONMember("code")
}
