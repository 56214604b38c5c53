/// What the system calls of a redis-server say of the promise of mode `local`: an acknowledgement leaves only after an fdatasync
/// (or fsync) of the append-only file has returned that began after the redemption was written to it.
///
/// For one connection, whose replies are in the order of the append-only file: the nth redemption acknowledged is the nth written.
struct FsyncOrder {
    /// The words to run a redis-server by, for a trace in `file` in its folder. strace is the server's child here (`-D`),
    /// so that the server is the process that was started, and gets its signals.
    static func launcher(file: String) -> [String] {
        [
            "strace", "-D", "-f", "-qq", "-tt", "-y", "-s", "1000000", "-o", file,
            "-e", "trace=fdatasync,fsync,sync_file_range,write,writev,pwrite64,pwritev,sendto,sendmsg",
        ]
    }

    /// Ids of redemptions, in the order of the append-only file.
    private(set) var written: [String] = []
    /// How many of them an fdatasync that has returned covers.
    private var synced = 0
    private(set) var acknowledged = 0
    private(set) var violations: [String] = []
    /// By thread: the call that it is in.
    private var calls: [Substring: Call] = [:]

    private enum Call {
        case append(ids: [String], bytes: Int?)
        /// What had been written when it began.
        case sync(covering: Int)
        case other
    }

    /// - Parameter trace: what strace wrote, started by `launcher`.
    init(trace: String) {
        for line in trace.split(separator: "\n") { take(line) }
    }

    private mutating func take(_ line: Substring) {
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count == 3 else { return }
        let (thread, text) = (parts[0], parts[2])
        if !text.hasPrefix("<... ") {
            guard let call = call(text, line) else { return }
            calls[thread] = call
            // Another thread's call comes in between; this one's end is told further down.
            if text.hasSuffix("<unfinished ...>") { return }
        }
        if let call = calls.removeValue(forKey: thread) { returned(call, text.components(after: " = "), line) }
    }

    /// A call begins.
    private mutating func call(_ text: Substring, _ line: Substring) -> Call? {
        guard let bracket = text.firstIndex(of: "("), let open = text.firstIndex(of: "<"), let close = text.firstIndex(of: ">"),
            open > bracket, close > open
        else { return nil }
        let name = text[..<bracket]
        let file = text[text.index(after: open)..<close]
        let isAppendOnlyFile = file.contains("appendonlydir/") && file.hasSuffix(".incr.aof")
        let isSocket = ["socket:", "TCP:", "TCPv6:", "UNIX:", "UNIX-STREAM:"].contains { file.hasPrefix($0) }
        switch name {
        case "fdatasync", "fsync": return isAppendOnlyFile ? .sync(covering: written.count) : .other
        // Tells nothing of the file's length, so it makes nothing durable.
        case "sync_file_range": return .other
        default:
            // Strings of one writev are one text.
            let data = text.replacing(#/", iov_len=\d+\}, \{iov_base="/#, with: "")
            if isSocket { reply(data, line) }
            guard isAppendOnlyFile else { return .other }
            // The last of a user's record is the new one.
            let ids = data.matches(of: #/;[a-z0-9_-]+=([A-Za-z0-9_-]{22})\\r\\n/#).map { String($0.output.1) }
            return .append(ids: ids, bytes: name == "write" ? data.lastNumber : nil)
        }
    }

    private mutating func returned(_ call: Call, _ result: Substring?, _ line: Substring) {
        switch call {
        case .append(let ids, let bytes):
            if let bytes, result.flatMap({ Int($0) }) != bytes { violations.append("not wholly written: \(line)") }
            written += ids
        case .sync(let covered):
            if result == "0" { synced = max(synced, covered) } else { violations.append("not synced: \(line)") }
        case .other: break
        }
    }

    /// A reply is about to leave: what it acknowledges must have been synced by now.
    private mutating func reply(_ data: some StringProtocol & BidirectionalCollection<Character>, _ line: Substring) {
        // The reply of redeem.lua: price, the beginning of the new ids, then a letter for each request.
        for match in String(data).matches(of: #/\$8\\r\\n([A-Za-z0-9_-]{8})\\r\\n\$\d+\\r\\n([a-z]+)\\r\\n/#) {
            for letter in match.output.2 where letter == "a" { accepted(String(match.output.1), line) }
        }
    }

    private mutating func accepted(_ beginning: String, _ line: Substring) {
        let place = acknowledged
        acknowledged += 1
        if place >= written.count {
            violations.append("acknowledged before it was written: \(line)")
        } else if !written[place].hasPrefix(beginning) {
            violations.append("\(written[place]) is not the redemption acknowledged: \(line)")
        } else if place >= synced {
            violations.append("\(written[place]) was acknowledged before its fdatasync had returned: \(line)")
        }
    }
}

extension Substring {
    /// What is behind the last `separator`.
    fileprivate func components(after separator: String) -> Substring? {
        ranges(of: separator).last.map { self[$0.upperBound...] }
    }

    /// The length that a write was called with.
    fileprivate var lastNumber: Int? {
        let call = ranges(of: ") = ").last.map { self[..<$0.lowerBound] } ?? self
        return call.components(after: ", ").flatMap { Int($0.prefix { $0.isNumber }) }
    }
}
