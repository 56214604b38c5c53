internal import NIOCore

/// One direction of a connection through a proxy, with the bytes that have come and not gone on yet. It is used on its event loop
/// alone.
final class Lane {
    private struct Piece {
        var bytes: ByteBuffer
        var due: NIODeadline
    }

    private let direction: LinkFault.Direction
    private let eventLoop: any EventLoop
    private let connections: ProxyConnections
    /// Resets the connection.
    var cut: () -> Void = {}
    private var substituter: Substituter
    private var queue = CircularBuffer<Piece>()
    private var fault = LinkFault.none
    /// How many bytes may still pass before the cut.
    private var allowance = 0
    private var source: (any Channel)?
    private var sink: (any Channel)?
    private var end = End.open
    private var isScheduled = false
    /// `true`: the source will be read once the other side takes more.
    private var isReadPutOff = false

    private enum End {
        case open
        /// The source sends no more, but may still read.
        case half
        case whole
    }

    /// The most reads that wait. While there are so many, the source is not read.
    private static let queueLimit = 64

    /// A read is written in at most so many pieces, each a byte if they suffice.
    private static let piecesOfRead = 256

    init(_ direction: LinkFault.Direction, eventLoop: any EventLoop, connections: ProxyConnections, substitutions: [Substitution])
    {
        self.direction = direction
        self.eventLoop = eventLoop
        self.connections = connections
        substituter = Substituter(substitutions.filter { $0.direction == direction })
    }

    /// Whether the source may be read now: little waits, and the other side takes what is written. If not, it is read as soon as
    /// that changes.
    func mayRead() -> Bool {
        let takesMore = takesMore
        if !takesMore { isReadPutOff = true }
        return takesMore
    }

    private var takesMore: Bool { queue.count < Lane.queueLimit && sink?.isWritable != false }

    func connect(from channel: any Channel) { source = channel }

    func connect(to channel: any Channel) {
        sink = channel
        pump()
    }

    func apply(_ new: LinkFault) {
        fault = new
        if case .cut(direction, let bytes) = new { allowance = bytes }
        // Bytes that waited for a delay need not wait any more.
        for index in queue.indices { queue[index].due = .uptimeNanoseconds(0) }
        pump()
    }

    func received(_ bytes: ByteBuffer) {
        let before = substituter.count
        let passed = substituter.pass(bytes)
        connections.record { $0.substituted += substituter.count - before }
        guard passed.readableBytes > 0 else { return }
        var due = NIODeadline.uptimeNanoseconds(0)
        switch fault {
        case .delayed(let delay):
            due = .now() + TimeAmount(delay)
            connections.record { $0.delayed += 1 }
        case .stalled(let directions) where directions.contains(direction):
            connections.record { $0.stalled += passed.readableBytes }
        case .none, .refused, .stalled, .bytewise, .cut: break
        }
        queue.append(Piece(bytes: passed, due: due))
        pump()
    }

    /// The source sends nothing more. The bytes that are here still go on.
    func sourceEnded() {
        if case .open = end { end = .half }
        pump()
    }

    /// The source is gone. The bytes that are here still go on.
    func sourceLost() {
        end = .whole
        pump()
    }

    /// Sends what may be sent, and reads what may be read.
    func pump() {
        guard let sink, !isScheduled else { return }
        switch fault {
        case .stalled(let directions) where directions.contains(direction): return
        case .none, .refused, .stalled, .delayed: forward(to: sink)
        case .bytewise: forwardByte(to: sink)
        case .cut(direction, _): forwardUntilCut(to: sink)
        case .cut: forward(to: sink)
        }
        guard queue.isEmpty || takesMore else { return }
        if isReadPutOff {
            isReadPutOff = false
            source?.read()
        }
        guard queue.isEmpty else { return }
        switch end {
        case .open: break
        case .half: sink.close(mode: .output, promise: nil)
        case .whole: sink.close(promise: nil)
        }
    }

    private func forward(to sink: any Channel) {
        let now = NIODeadline.now()
        var wrote = false
        while let piece = queue.first {
            if piece.due > now {
                later(at: piece.due)
                break
            }
            write(queue.removeFirst().bytes, to: sink)
            wrote = true
        }
        if wrote { sink.flush() }
    }

    private func forwardByte(to sink: any Channel) {
        guard !queue.isEmpty else { return }
        let length = max(1, queue[queue.startIndex].bytes.readableBytes / Lane.piecesOfRead)
        guard let piece = queue[queue.startIndex].bytes.readSlice(length: length) else { return }
        if queue[queue.startIndex].bytes.readableBytes == 0 { queue.removeFirst() }
        connections.record { $0.pieces += 1 }
        write(piece, to: sink)
        sink.flush()
        if !queue.isEmpty { later(at: .now()) }
    }

    private func forwardUntilCut(to sink: any Channel) {
        while !queue.isEmpty {
            var bytes = queue.removeFirst().bytes
            let kept = min(allowance, bytes.readableBytes)
            allowance -= kept
            if kept > 0, let part = bytes.readSlice(length: kept) { write(part, to: sink) }
            guard bytes.readableBytes > 0 else { continue }
            sink.flush()
            let dropped = bytes.readableBytes + queue.reduce(0) { $0 + $1.bytes.readableBytes }
            connections.record { $0.dropped += dropped }
            queue.removeAll()
            return cut()
        }
        sink.flush()
    }

    private func write(_ bytes: ByteBuffer, to sink: any Channel) {
        connections.record { $0.bytes += bytes.readableBytes }
        sink.write(bytes, promise: nil)
    }

    private func later(at moment: NIODeadline) {
        isScheduled = true
        eventLoop.assumeIsolated().scheduleTask(deadline: moment) {
            self.isScheduled = false
            self.pump()
        }
    }
}

@available(*, unavailable)
extension Lane: Sendable {}
