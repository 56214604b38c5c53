import NIOCore
import NIOPosix
import RedisClient
import Testing
import TestSupport

@testable import Torture

/// The proxy between a client and a server that answers each byte with the same byte.
@Suite(.serialized) struct FaultProxyTests {
    @Test func bytesGoThrough() async throws {
        try await withEcho { proxy, client in
            try await client.send("hello")
            #expect(try await client.receive(5) == "hello")
            #expect(proxy.counts.connections == 1)
            #expect(proxy.counts.bytes == 10)
        }
    }

    @Test func muchGoesThrough() async throws {
        try await withEcho { _, client in
            let text = String(repeating: "0123456789", count: 200_000)
            try await client.send(text)
            #expect(try await client.receive(text.utf8.count) == text)
        }
    }

    @Test func aResetEndsTheConnection() async throws {
        try await withEcho { proxy, client in
            try await client.send("a")
            _ = try await client.receive(1)
            await proxy.resetConnections()
            #expect(try await client.isEnded())
            #expect(proxy.counts.reset == 1)
        }
    }

    @Test func newConnectionsAreRefused() async throws {
        try await withEcho { proxy, client in
            await proxy.set(.refused)
            // The reset may come before the connection counts as open.
            if let other = try? await EchoClient.connect(to: proxy.port) { #expect(try await other.isEnded()) }
            #expect(proxy.counts.refused == 1)
            try await client.send("still here")
            #expect(try await client.receive(10) == "still here")
        }
    }

    @Test func aStalledLinkDeliversLate() async throws {
        try await withEcho { proxy, client in
            await proxy.set(.stalled([.replies]))
            try await client.send("late")
            try await until("the reply is held") { proxy.counts.stalled == 4 }
            #expect(client.received == "")
            await proxy.set(.none)
            #expect(try await client.receive(4) == "late")
        }
    }

    @Test func aStalledLinkHidesAnEnd() async throws {
        try await withEcho { proxy, client in
            try await client.send("a")
            _ = try await client.receive(1)
            await proxy.set(.stalled([.requests, .replies]))
            try await client.send("b")
            try await until("the request is held") { proxy.counts.stalled == 1 }
            await client.close()
            await proxy.set(.none)
            // And its echo, perhaps before anybody looks.
            try await until("the request arrives") { proxy.counts.bytes >= 3 }
        }
    }

    @Test func latency() async throws {
        try await withEcho { proxy, client in
            await proxy.set(.delayed(.milliseconds(60)))
            let began = ContinuousClock.now
            try await client.send("slow")
            #expect(try await client.receive(4) == "slow")
            #expect(ContinuousClock.now - began >= .milliseconds(120))
            #expect(proxy.counts.delayed == 2)
        }
    }

    @Test func oneByteAtATime() async throws {
        try await withEcho { proxy, client in
            await proxy.set(.bytewise)
            try await client.send("hello")
            #expect(try await client.receive(5) == "hello")
            #expect(proxy.counts.pieces == 10)
        }
    }

    @Test func aReplyIsLost() async throws {
        try await withEcho { proxy, client in
            await proxy.set(.cut(.replies, after: 0))
            try await client.send("done")
            #expect(try await client.isEnded())
            #expect(client.received == "")
            #expect(proxy.counts.dropped == 4)
            #expect(proxy.counts.bytes == 4, "the request was delivered")
        }
    }

    @Test func aConnectionEndsAfterSoManyBytes() async throws {
        try await withEcho { proxy, client in
            await proxy.set(.cut(.replies, after: 3))
            try await client.send("12")
            #expect(try await client.receive(2) == "12")
            try await client.send("345")
            #expect(try await client.isEnded())
            #expect(proxy.counts.dropped == 2)
        }
    }

    @Test func nobodyAtTheOtherEnd() async throws {
        let proxy = try await FaultProxy.start(to: 1, on: MultiThreadedEventLoopGroup.singleton)
        if let client = try? await EchoClient.connect(to: proxy.port) { #expect(try await client.isEnded()) }
        #expect(proxy.counts.unreachable == 1)
        await proxy.stop()
    }

    @Test func otherBytesAreSent() async throws {
        let substitutions = [
            Substitution("right", with: "wrong"), Substitution("wrong", with: "WRONG", in: .replies),
        ]
        try await withEcho(substituting: substitutions) { proxy, client in
            // In pieces, with the beginning of a pattern at the end of one, and one that only begins like it.
            for piece in ["a ri", "gh", "t r", "ide"] {
                try await client.send(piece)
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try await client.receive(11) == "a WRONG ride")
            #expect(proxy.counts.substituted == 2)
        }
    }
}

/// Runs the body with an echo server, a proxy in front of it, and a client.
private func withEcho(
    substituting substitutions: [Substitution] = [],
    _ body: (FaultProxy, EchoClient) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try await ServerBootstrap(group: group)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    let proxy = try await FaultProxy.start(to: server.localAddress!.port!, substituting: substitutions, on: group)
    let client = try await EchoClient.connect(to: proxy.port)
    // A client is connected before the proxy has accepted it.
    try await until("the proxy has the client") { proxy.counts.connections == 1 }
    try await body(proxy, client)
    await client.close()
    await proxy.stop()
    try await server.close()
}

private final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
