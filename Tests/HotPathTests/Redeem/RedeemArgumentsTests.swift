import Domain
import NIOCore
import Testing

@testable import HotPath
@testable import RedisClient

@Suite struct RedeemArgumentsTests {
    @Test func writesIdsDigestsAndRedemptions() throws {
        let id = try #require(UUIDv7("0198c0de-f00d-7abc-8def-0123456789ab"))
        let digest = try #require(CodeDigest(bytes: UInt8(0x8A)..<0xAA))
        let request = RedeemRequest(
            user: UserID(uuid: id),
            session: SessionID(uuid: id),
            coupon: CouponID("x")!,
            codeDigest: digest,
            tail: id.tail
        )
        var writer = RESPCommandWriter()
        writer.write(arguments: 3) {
            $0.append("{s0}:user:", id)
            $0.append(redemptionsOf: [request, request])
            $0.append(digest)
        }
        var replies: [RESPValue] = []
        // A command is an array of strings.
        try writer.buffer.withUnsafeReadableBytes { bytes in
            try ReplyReader(replyLimitBytes: 1 << 20).read(bytes) {
                replies.append($0)
                return true
            }
        }
        let redemptions = id.bytes + id.bytes + Array((id.tail.base64URL + id.tail.base64URL).utf8)
        #expect(
            replies == [
                .array([.string("{s0}:user:\(id)"), .bytes(redemptions), .string(digest.hex)])
            ]
        )
    }
}
