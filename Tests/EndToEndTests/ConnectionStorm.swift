import Foundation
import Synchronization
import TestSupport

/// Connections that ask for nothing, each opened again as soon as it is closed.
final class ConnectionStorm: Sendable {
    private let port: in_port_t
    private let text: String
    private let isRestless: Bool
    private let isOver = Atomic(false)
    private let count = Atomic<Int>(0)

    /// Beyond the first of each.
    var reopened: Int { count.load(ordering: .relaxed) }

    /// - Parameters:
    ///   - text: what each says first; it need not be heard.
    ///   - isRestless: whether this side closes some of them, all the time.
    init(url: String, connections: Int, sending text: String = "", isRestless: Bool = true) throws {
        self.text = text
        self.isRestless = isRestless
        guard let port = url.split(separator: ":").last.flatMap({ in_port_t($0) }) else { throw TestFailure("no port: \(url)") }
        self.port = port
        let descriptors = (0..<connections).map { _ in open() }
        Thread.detachNewThread { [self] in run(descriptors) }
    }

    func end() { isOver.store(true, ordering: .relaxed) }

    private func run(_ first: [Int32]) {
        var descriptors = first
        defer { for descriptor in descriptors { close(descriptor) } }
        while !isOver.load(ordering: .relaxed) {
            for place in descriptors.indices
            where isEnded(descriptors[place]) || (isRestless && Int.random(in: 0..<100) == 0) {
                close(descriptors[place])
                descriptors[place] = open()
                count.wrappingAdd(1, ordering: .relaxed)
            }
            usleep(50_000)
        }
    }

    private func open() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | O_NONBLOCK, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // On loopback it is connected at once, unless the kernel's queue is full.
        if !text.isEmpty { _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
        return descriptor
    }

    private func isEnded(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }
}
