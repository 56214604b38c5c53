/// The reason why a command has no reply, or the error that is its reply.
public struct RedisError: Error, Sendable, Hashable {
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case notConnected, pendingLimitReached, deadlineExceeded, connectionLost, serverError, protocolViolation, closed
        }

        private let name: Name

        /// There is no connection at present. Nothing was sent.
        public static let notConnected = Code(name: .notConnected)
        /// As many commands as allowed are without a reply. Nothing was sent.
        public static let pendingLimitReached = Code(name: .pendingLimitReached)
        /// No reply came in time.
        public static let deadlineExceeded = Code(name: .deadlineExceeded)
        /// The connection ended before the reply came.
        public static let connectionLost = Code(name: .connectionLost)
        /// Redis answered with an error; see `serverPrefix`.
        public static let serverError = Code(name: .serverError)
        /// The bytes that came are not RESP2, are more than allowed, or are a reply that was not asked for.
        public static let protocolViolation = Code(name: .protocolViolation)
        /// The client was closed.
        public static let closed = Code(name: .closed)

        public var description: String { name.rawValue }
    }

    public let code: Code
    public let message: String
    /// The command may have reached Redis and may still take effect there: it is neither done nor failed.
    public let outcomeIsUnknown: Bool

    public init(_ code: Code, _ message: String, outcomeIsUnknown: Bool = false) {
        self.code = code
        self.message = message
        self.outcomeIsUnknown = outcomeIsUnknown
    }

    /// The first word of a server error, by which Redis tells kinds of errors apart: `NOSCRIPT`, `OOM`, `ERR`.
    public var serverPrefix: String? {
        guard code == .serverError else { return nil }
        return message.split(separator: " ", maxSplits: 1).first.map(String.init)
    }
}

extension RedisError {
    static let isReplica = RedisError(.notConnected, "it is a replica: give the address of its primary, or of its Sentinels")

    /// The slot is on another node of the cluster.
    static let hasMoved = RedisError(.notConnected, "another node of the cluster has the slot")

    /// The command is for another Redis than this one is, or than it is by now. Nothing was sent.
    static let isAnotherRedis = RedisError(.notConnected, "this is not the Redis that the command was meant for")

    /// Why a connection must be left after this error reply; `nil`: it need not.
    static func leading(_ message: String) -> RedisError? {
        if message.hasPrefix("READONLY ") { return isReplica }
        return message.hasPrefix("MOVED ") ? hasMoved : nil
    }

    /// Nothing was done, since the node does not have the slot, or not all of it: it has moved or is moving.
    public var isSlotAway: Bool { serverPrefix.map { ["MOVED", "ASK", "TRYAGAIN"].contains($0) } ?? false }
}

extension RedisError: CustomStringConvertible {
    public var description: String {
        "\(code): \(message)\(outcomeIsUnknown ? " (outcome unknown)" : "")"
    }
}
