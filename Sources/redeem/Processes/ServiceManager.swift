internal import Glibc
internal import Logging

/// The program that started this process and wants to hear how it is: systemd, or another that speaks its protocol, sd_notify(3).
/// One message is one datagram to the socket that `NOTIFY_SOCKET` names.
struct ServiceManager {
    private let socket: String
    private let logger: Logger

    /// `nil` if no manager wants to hear.
    init?(logger: Logger) {
        guard let name = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }), !name.isEmpty else { return nil }
        socket = name
        self.logger = logger
    }

    /// Says that the service can be used. People read `status`.
    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)") }

    func stopping() { send("STOPPING=1\nSTATUS=finishing what was begun") }

    /// A failure is only logged: the manager waits in vain, and nothing else depends on it.
    private func send(_ message: String) {
        do {
            try Datagram.send(message, to: socket)
        } catch {
            logger.warning(
                "the service manager was not told",
                metadata: ["message": "\(message)", "socket": "\(socket)", "error": "\(String(cString: strerror(error.number)))"]
            )
        }
    }
}

private enum Datagram {
    struct Failure: Error {
        let number: Int32
    }

    /// - Parameter name: a path, or `@` and a name of the abstract namespace (unix(7)).
    static func send(_ message: String, to name: String) throws(Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw Failure(number: ENAMETOOLONG) }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + bytes.count)

        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(number: errno) }
        defer { close(descriptor) }
        let text = Array(message.utf8)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
        guard sent == text.count else { throw Failure(number: errno) }
    }
}
