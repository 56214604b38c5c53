import Foundation
import Glibc
import LocalStack
import Testing
import TestSupport

/// What systemd hears of a unit of Type=notify, on a real socket.
@Suite(.serialized) struct ServiceManagerTests {
    /// A datagram socket such as systemd has.
    private final class Inbox: Sendable {
        let name: String
        private let descriptor: Int32

        /// - Parameter name: a path, or `@` and a name of the abstract namespace.
        init(_ name: String) throws {
            self.name = name
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            var bytes = Array(name.utf8)
            if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + bytes.count)
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            guard bound == 0 else { throw TestFailure("cannot bind \(name): \(errno)") }
        }

        deinit { close(descriptor) }

        /// The next message.
        func next(within limit: Duration = .seconds(20)) async throws -> [String] {
            var buffer = [UInt8](repeating: 0, count: 4096)
            var count = -1
            try await until("a message", within: limit) {
                count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                return count >= 0
            }
            return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n").map(String.init)
        }

        var isEmpty: Bool {
            var byte: UInt8 = 0
            return recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)) < 0
        }
    }

    @Test(arguments: [true, false])
    func aServerAndAWorkerSayWhenTheyAreReadyAndWhenTheyStop(abstract: Bool) async throws {
        try await Product.with { product in
            for command in [["serve", "--port", "0", "--ops-port", "0"], ["sync"]] {
                let inbox = try Inbox(abstract ? "@redeem-\(getpid())-\(command[0])" : "\(product.folder)/\(command[0])")
                let process = product.start(command, ["NOTIFY_SOCKET": inbox.name])
                let ready = try await inbox.next()
                process.signal(SIGSTOP)
                #expect(ready[0] == "READY=1")
                #expect(ready[1].hasPrefix("STATUS="))
                if command[0] == "serve" {
                    // Not before it can be used: by then it has said where it listens, though that may still be on its way.
                    try await until("it has said where it listens") { process.output.contains("ready http") }
                }
                process.signal(SIGCONT)
                process.signal(SIGTERM)
                #expect(try await inbox.next()[0] == "STOPPING=1")
                #expect(await process.exitStatus() == 0)
                #expect(inbox.isEmpty)
            }
        }
    }

    /// A start that fails was never ready.
    @Test func aServerThatDoesNotStartIsNotReady() async throws {
        try await Product.with { product in
            let inbox = try Inbox("\(product.folder)/notify")
            let process = product.start(
                ["serve", "--port", "0", "--ops-port", "0"],
                // The last that is looked at before it is ready: this Postgres forgets what it commits (fsync off).
                ["NOTIFY_SOCKET": inbox.name, "REDEEM_DURABILITY": "ledger"]
            )
            #expect(await process.exitStatus() != 0)
            #expect(process.output.contains("fsync"), "\(process.output)")
            #expect(inbox.isEmpty)
        }
    }

    @Test func aManagerThatDoesNotListenIsNoReasonToFail() async throws {
        try await Product.with { product in
            let process = product.start(["sync"], ["NOTIFY_SOCKET": "\(product.folder)/nobody"])
            _ = try await process.logged("the service manager was not told")
            #expect(await process.stop() == 0)
        }
    }
}
