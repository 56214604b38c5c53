import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

@testable import Server

@Suite struct PlainRedemptionTests {
    private static let body = #"{"code":"ABC"}"#

    private static func request(
        line: String = "POST /v1/coupons/tea/redemptions HTTP/1.1",
        headers: [String] = ["Host: x", "Authorization: Bearer t"],
        length: String? = "Content-Length: 14",
        body: String = body
    ) -> String {
        // But for its lack or its being twice, `Host` is not what a test is about.
        let host = headers.contains { $0.hasPrefix("Host") } ? [] : ["Host: x"]
        return ([line] + host + headers + (length.map { [$0] } ?? [])).joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    private func read<Result>(_ text: String, _ body: (PlainRedemption?) throws -> Result) rethrows -> Result {
        try Array(text.utf8).withUnsafeBytes { try body(PlainRedemption($0, limits: ServerLimits())) }
    }

    @Test func readsWhatMatters() throws {
        let headers = [
            "Host: x", "AUTHORIZATION:\t Bearer t", "content-type:application/json", "X-Request-ID: r-1\t", "idempotency-key: k ",
            "Connection: Keep-Alive", "Accept: */* \t ",
        ]
        let request = Self.request(headers: headers)
        try read(request + "POST /v1/cou") { plain in
            let plain = try #require(plain)
            func text(_ part: UnsafeBufferPointer<UInt8>?) -> String? { part.map { String(decoding: $0, as: UTF8.self) } }
            #expect(plain.length == request.utf8.count)
            #expect(text(plain.coupon) == "tea")
            #expect(text(plain.text.authorization) == "Bearer t")
            #expect(text(plain.text.contentType) == "application/json")
            #expect(plain.text.requestID == .theirs("r-1"))
            #expect(text(plain.text.idempotencyKey) == "k")
            #expect(String(decoding: plain.text.body, as: UTF8.self) == Self.body)
        }
    }

    /// Each has something that is for the decoder to read or to refuse.
    @Test(arguments: [
        request(line: "GET /v1/coupons/tea/redemptions HTTP/1.1"), request(line: "POST /v1/coupons/tea/redemptions HTTP/1.0"),
        request(line: "POST  /v1/coupons/tea/redemptions HTTP/1.1"), request(line: "POST /v1/coupons/tea/redemptions?x HTTP/1.1"),
        request(line: "POST /v1/coupons//redemptions HTTP/1.1"), request(line: "POST /v1/coupons/t%65a/redemptions HTTP/1.1"),
        request(line: "POST /v1/coupons/a/b/redemptions HTTP/1.1"), request(line: "POST /v1/coupons/tea/redemptions HTTP/1.1 "),
        request(line: "\r\nPOST /v1/coupons/tea/redemptions HTTP/1.1"),
        // Where a request ends.
        request(length: nil), request(length: "Content-Length: 15"), request(length: "Content-Length: +14"),
        request(length: "Content-Length: 14, 14"), request(length: "Content-Length: 0x0e"), request(length: "Content-Length: "),
        request(length: "Content-Length : 14"), request(length: "Content-Length: 14\r\nContent-Length: 14"),
        request(length: "Content-Length: 4097", body: String(repeating: " ", count: 4097)),
        request(length: "Content-Length: 14\r\nTransfer-Encoding: chunked"), request(length: "transfer-encoding: identity"),
        request(length: "Content-Length: 14\r\nTrailer: x"), request(length: "Content-Length: 14\r\nTE: trailers"),
        request(length: "Content-Length: 18446744073709551630"),
        // What else the connection is asked for.
        request(headers: ["Connection: close"]), request(headers: ["Connection: upgrade", "Upgrade: h2c"]),
        request(headers: ["Connection: keep-alive, x"]), request(headers: ["Expect: 100-continue"]),
        request(headers: ["Proxy-Connection: close"]), request(headers: ["Connection: keep-alive", "Connection: close"]),
        // What is given twice.
        request(headers: ["Authorization: a", "Authorization: a"]),
        request(headers: ["Idempotency-Key: a", "Idempotency-Key: b"]),
        // What is no header field.
        request(headers: ["Host: x\n"]), request(headers: ["Host: x\r"]), request(headers: ["Host: x", " folded"]),
        request(headers: ["Host: x", "\tfolded"]), request(headers: ["Host x"]), request(headers: [": x"]),
        request(headers: ["Ho st: x"]), request(headers: ["Höst: x"]), request(headers: ["Host: é"]),
        request(headers: ["Host: \u{0}"]),
        request(headers: ["Host: \u{7F}"]), request(headers: ["Host: a b"]), request(headers: ["Host: x", "Host: x"]),
        request(headers: ["Host: x:y"]),
        request(headers: ["Host x"]), request(headers: ["Hosts: x"]), request(headers: (0..<100).map { "X-\($0): y" }),
        request(headers: ["X: \(String(repeating: "y", count: 16 << 10))"]),
        request().replacing("\r\n", with: "\n"), request().replacing("\r\n\r\n", with: "\r\n\n"),
    ])
    func leavesTheRestToTheDecoder(text: String) {
        read(text) { #expect($0 == nil, "\(text)") }
    }

    @Test func readsNothingBeyondTheBytes() {
        let bytes = Array(Self.request().utf8)
        for count in 0..<bytes.count {
            bytes[..<count].withUnsafeBytes { #expect(PlainRedemption($0, limits: ServerLimits()) == nil, "\(count) bytes") }
        }
    }

    /// Random damage: whatever is still plain, the decoder reads the same way, to the same end.
    @Test func theDecoderAgrees() throws {
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("\r\n: ,;09azAZ\t\u{0}-".utf8) + [0xC3, 0x7F]
        var plainOnes = 0
        for _ in 0..<20_000 {
            let headers = ["Host: x", "Authorization: Bearer t", "Idempotency-Key: k", "X-Request-Id: r", "Accept: */*"].shuffled(
                using: &random
            )
            var bytes = Array(Self.request(headers: headers).utf8)
            for _ in 0..<Int(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                case 1: bytes.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: place)
                default: bytes.remove(at: place)
                }
            }
            try bytes.withUnsafeBytes { memory in
                guard let plain = PlainRedemption(memory, limits: ServerLimits()) else { return }
                plainOnes += 1
                let decoded = try DecodedRequest(bytes[..<plain.length])
                #expect(
                    decoded.ends == 1 && decoded.heads.count == 1 && decoded.error == nil,
                    "\(String(decoding: bytes, as: UTF8.self))"
                )
                guard let head = decoded.heads.first else { return }
                #expect(head.uri == "/v1/coupons/\(String(decoding: plain.coupon, as: UTF8.self))/redemptions")
                #expect(head.isKeepAlive)
                let authorization = plain.text.authorization.map { String(decoding: $0, as: UTF8.self) }
                #expect(head.headers["authorization"] == (authorization.map { [$0] } ?? []))
                #expect(decoded.body == Array(plain.text.body))
            }
        }
        #expect(plainOnes > 5000)
    }
}

@Suite struct DecoderBoundaryTests {
    private static let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\r\n\r\n"

    /// Given the parts of an input, whether it is known after each that the decoder holds nothing.
    @Test(arguments: [
        ([get], [true]), ([post], [true]), ([get, post, get], [true, true, true]),
        (["GET / HT", "TP/1.1\r\nHost: x\r\n\r", "\n"], [false, false, true]),
        (["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabc", "d"], [false, true]),
        // Two at once could be told apart too, but need not be: then it is not known again.
        ([get + get, get], [false, false]), ([get + "G", "ET / HTTP/1.1\r\nHost: x\r\n\r\n", get], [false, false, false]),
        (["POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", get], [false, false]),
        (["GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"], [false]),
        (["CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"], [false]),
        ([get.replacing("Host", with: "Hosts")], [false]), (["GARBAGE\r\n\r\n"], [false]), (["\r\n\r\n"], [false]),
    ])
    func isKnown(parts: [String], expected: [Bool]) throws {
        let channel = try DecodedRequest.channel()
        var boundary = DecoderBoundary()
        var known: [Bool] = []
        for part in parts {
            boundary.feed(ByteBuffer(string: part))
            // An error of the decoder is the end of the connection.
            _ = try? channel.writeInbound(ByteBuffer(string: part))
            while let part = try channel.readInbound(as: HTTPServerRequestPart.self) { boundary.saw(part) }
            boundary.settle()
            known.append(boundary.isKnown)
        }
        #expect(known == expected)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
