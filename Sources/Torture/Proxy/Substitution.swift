internal import NIOCore

/// Replaces bytes by as many others. A test uses it to put another script between a program and Redis, without a change of the
/// program.
struct Substitution: Hashable, Sendable {
    let pattern: [UInt8]
    let replacement: [UInt8]
    let direction: LinkFault.Direction

    /// Both must have the same length, since the protocol around them says how long they are.
    init(_ pattern: String, with replacement: String, in direction: LinkFault.Direction = .requests) {
        precondition(!pattern.isEmpty && pattern.utf8.count == replacement.utf8.count)
        self.pattern = Array(pattern.utf8)
        self.replacement = Array(replacement.utf8)
        self.direction = direction
    }
}

/// Substitutes in a stream that comes in pieces. If the end of a piece may be the beginning of a pattern, it is held back until
/// the next piece shows whether the rest follows.
struct Substituter {
    private let substitutions: [Substitution]
    private var held: [UInt8] = []
    private(set) var count = 0

    init(_ substitutions: [Substitution]) { self.substitutions = substitutions }

    mutating func pass(_ buffer: ByteBuffer) -> ByteBuffer {
        guard !substitutions.isEmpty else { return buffer }
        var bytes = held + buffer.readableBytesView
        held = []
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            switch match(bytes[position...]) {
            case .whole(let substitution):
                output += substitution.replacement
                position += substitution.pattern.count
                count += 1
            case .beginning:
                held = Array(bytes[position...])
                bytes.removeSubrange(position...)
            case .none:
                output.append(bytes[position])
                position += 1
            }
        }
        return ByteBuffer(bytes: output)
    }

    private enum Match {
        case whole(Substitution)
        /// The bytes end before the pattern does.
        case beginning
        case none
    }

    private func match(_ bytes: ArraySlice<UInt8>) -> Match {
        var found = Match.none
        for substitution in substitutions where substitution.pattern[0] == bytes[bytes.startIndex] {
            if bytes.starts(with: substitution.pattern) { return .whole(substitution) }
            if bytes.count < substitution.pattern.count, substitution.pattern.starts(with: bytes) { found = .beginning }
        }
        return found
    }
}
