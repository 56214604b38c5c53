import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Server

/// What NIO's decoder makes of bytes, and the rules behind it.
struct DecodedRequest {
    private(set) var heads: [HTTPRequestHead] = []
    private(set) var body: [UInt8] = []
    private(set) var ends = 0
    private(set) var error: (any Error)?

    init(_ bytes: some Sequence<UInt8>) throws {
        let channel = try DecodedRequest.channel()
        do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { self.error = error }
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): heads.append(head)
            case .body(let bytes): body += Array(bytes.readableBytesView)
            case .end: ends += 1
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    /// With a decoder that is as strict as the server's, but for the limits.
    static func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withErrorHandling: false,
            withOutboundHeaderValidation: false,
            withEncoderConfiguration: .init(),
            withDecoderLimitConfiguration: NIOHTTPDecoderLimitConfiguration()
        )
        try HeadRulesHandler.add(to: channel.pipeline.syncOperations)
        return channel
    }
}
