import Glibc
import TestSupport

/// A client that does to a connection what no HTTP client would: it need not read, and knows how much the other side took.
final class RawClient: Sendable {
    private let descriptor: Int32
    /// POLLRDHUP, which <poll.h> has for _GNU_SOURCE only.
    private static let hangUp: Int16 = 0x2000

    /// - Parameter receiveBytes: of the kernel's buffer for what comes; `nil`: the system's choice.
    init(port: Int, receiveBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("no socket: \(errno)") }
        if var bytes = receiveBytes { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size)) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw TestFailure("not connected: \(errno)") }
    }

    deinit { close(descriptor) }

    enum Sent: Equatable {
        case bytes(Int)
        /// The other side takes no more at present.
        case full
        case closed
    }

    /// Sends what the other side takes without waiting.
    func send(_ bytes: some Collection<UInt8>) -> Sent {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let count = Array(bytes).withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN ? .full : .closed
    }

    /// Sends all of it, for as long as that takes, unless the other side closes.
    /// - Returns: how many bytes were taken.
    @discardableResult
    func sendAll(_ bytes: [UInt8], within limit: Duration = .seconds(30)) async throws -> Int {
        var rest = bytes[...]
        let deadline = ContinuousClock.now + limit
        while !rest.isEmpty, ContinuousClock.now < deadline {
            switch send(rest.prefix(1 << 20)) {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .full: try await Task.sleep(for: .milliseconds(1))
            case .closed: return bytes.count - rest.count
            }
        }
        return bytes.count - rest.count
    }

    @discardableResult
    func sendAll(_ text: String, within limit: Duration = .seconds(30)) async throws -> Int {
        try await sendAll(Array(text.utf8), within: limit)
    }

    /// Says that no more will be sent.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What comes until the other side closes; `nil`: it has not closed within the limit.
    func rest(within limit: Duration = .seconds(30)) async throws -> String? {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                all += buffer[..<count]
            } else if count == 0 || errno != EAGAIN {
                return String(decoding: all, as: UTF8.self)
            } else {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        return nil
    }

    /// What has come and was not taken.
    var waitingBytes: Int {
        var count: Int32 = 0
        return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// Takes as many bytes of what has come, and forgets them.
    func receive(_ count: Int) -> Int {
        var buffer = [UInt8](repeating: 0, count: count)
        return recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    }

    /// At most as many bytes of what has come, as text.
    func text(_ count: Int) -> String {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return String(decoding: buffer.prefix(max(0, received)), as: UTF8.self)
    }

    /// Whether the other side has ended the connection. Nothing is read of it.
    var isEnded: Bool {
        var state = pollfd(fd: descriptor, events: RawClient.hangUp, revents: 0)
        return poll(&state, 1, 0) > 0 && state.revents & (RawClient.hangUp | Int16(POLLHUP | POLLERR)) != 0
    }
}
