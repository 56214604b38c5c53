import Credentials
import Domain
import HotPath
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

@testable import Server

/// The handler alone: decisions are made by the test, in any order; Hummingbird's part is played by a handler behind it.
@Suite struct HotRouteHandlerTests {
    @Test func aRedemptionIsAnsweredWithPreparedBytes() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption(headers: ["X-Request-Id: r-1"]))
        #expect(fixture.asked.count == 1)
        #expect(fixture.asked[0].0.coupon.description == "tea")
        #expect(fixture.asked[0].0.user == fixture.user)
        #expect(fixture.asked[0].0.codeDigest == fixture.digester.digest(of: "ABC"))
        fixture.accept(0)
        let response = try #require(fixture.responses().first)
        #expect(response.status == 201)
        #expect(response.headers["x-request-id"] == "r-1")
        #expect(response.headers["location"]?.hasPrefix("/v1/redemptions/") == true)
        #expect(response.headers["connection"] == nil)
        #expect(response.headers["idempotent-replayed"] == nil)
        #expect(response.body.contains(#""coupon":"tea","price":7,"redeemed_at":"2027-01-15T08:00:00.000Z","status":"held""#))
        #expect(fixture.channel.isActive)
        try fixture.finish()
    }

    /// Cut in two at each byte, and fed byte by byte.
    @Test func theCutsOfTheInputDoNotMatter() throws {
        let one = try Fixture()
        let bytes = Array(one.redemption().utf8)
        try one.finish()
        for cut in 0...bytes.count {
            let fixture = try Fixture()
            try fixture.send(bytes[..<cut])
            try fixture.send(bytes[cut...])
            fixture.accept(0)
            #expect(fixture.responses().map(\.status) == [201], "cut at \(cut)")
            try fixture.finish()
        }
        let fixture = try Fixture()
        for byte in bytes + bytes { try fixture.send([byte]) }
        fixture.accept(0)
        fixture.accept(1)
        #expect(fixture.responses().map(\.status) == [201, 201])
        try fixture.finish()
    }

    @Test func answersLeaveInTheOrderOfTheirRequests() throws {
        let fixture = try Fixture()
        let requests = (0..<4).map { fixture.redemption(headers: ["X-Request-Id: r\($0)"]) }
        try fixture.send(requests.joined())
        #expect(fixture.asked.count == 4)
        fixture.accept(2)
        fixture.accept(1)
        #expect(fixture.responses().isEmpty)
        fixture.accept(0)
        #expect(fixture.responses().map { $0.headers["x-request-id"] } == ["r0", "r1", "r2"])
        fixture.accept(3)
        #expect(fixture.responses().map { $0.headers["x-request-id"] } == ["r3"])
        try fixture.finish()
    }

    /// Redemptions and requests for Hummingbird in any mixture, decided and answered in any order that can happen.
    @Test func mixedRequestsAreAnsweredInOrder() throws {
        var random = SeededGenerator(seed: 3)
        for round in 0..<300 {
            let fixture = try Fixture()
            let kinds = (0..<Int(1 + random.next() % 8)).map { _ in random.next() % 2 == 0 }
            var bytes: [UInt8] = []
            for (index, isHot) in kinds.enumerated() {
                let header = "X-Request-Id: \(index)"
                bytes += Array((isHot ? fixture.redemption(headers: [header]) : fixture.other(headers: [header])).utf8)
            }
            var responses: [String?] = []
            while responses.count < kinds.count {
                if !bytes.isEmpty, random.next() % 3 != 0 {
                    let count = min(bytes.count, Int(1 + random.next() % 400))
                    try fixture.send(bytes[..<count])
                    bytes.removeFirst(count)
                }
                if let open = fixture.undecided.randomElement(using: &random), random.next() % 2 == 0 { fixture.accept(open) }
                if fixture.backend.waiting > 0, random.next() % 2 == 0 { fixture.backend.answer() }
                responses += fixture.responses().map { $0.headers["x-request-id"] }
            }
            #expect(responses == kinds.indices.map(String.init), "round \(round)")
            try fixture.finish()
        }
    }

    @Test func chunkedBodiesAreRead() throws {
        let fixture = try Fixture()
        let head = fixture.redemption(headers: ["Transfer-Encoding: chunked"], body: nil)
        try fixture.send(head + "7\r\n{\"code\"\r\n6;x=y\r\n:\"ABC\"\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n")
        #expect(fixture.asked.map(\.0.codeDigest) == [fixture.digester.digest(of: "ABC")])
        fixture.accept(0)
        #expect(fixture.responses().map(\.status) == [201])
        try fixture.finish()
    }

    @Test func aBodyThatIsTooLargeIsRefusedUnread() throws {
        let announced = try Fixture()
        try announced.send(announced.redemption(headers: ["Content-Length: 5000"], body: nil))
        let response = try #require(announced.responses().first)
        #expect(response.status == 413)
        #expect(response.headers["connection"] == "close")
        #expect(response.body.contains(#""code":"body_too_large""#))

        let chunked = try Fixture()
        try chunked.send(chunked.redemption(headers: ["Transfer-Encoding: chunked"], body: nil) + "2000\r\n")
        try chunked.send(String(repeating: "x", count: 4097))
        #expect(chunked.responses().map(\.status) == [413])
        #expect(chunked.asked.isEmpty)

        let passed = try Fixture()
        try passed.send(passed.other(headers: ["Transfer-Encoding: chunked"], method: "POST") + "2000\r\n")
        try passed.send(String(repeating: "x", count: 4097))
        #expect(passed.responses().map(\.status) == [413])
    }

    @Test func continueIsSaidWhenNothingIsOwedBefore() throws {
        let fixture = try Fixture()
        let body = #"{"code":"ABC"}"#
        let head = fixture.redemption(headers: ["Expect: 100-continue", "Content-Length: \(body.utf8.count)"], body: nil)
        try fixture.send(fixture.redemption() + head)
        #expect(fixture.output().isEmpty)
        fixture.accept(0)
        let output = fixture.output()
        #expect(output.hasPrefix("HTTP/1.1 201 Created"))
        #expect(output.hasSuffix("HTTP/1.1 100 Continue\r\n\r\n"))
        try fixture.send(body)
        fixture.accept(1)
        #expect(fixture.responses().map(\.status) == [201])

        try fixture.send(fixture.other(headers: ["Expect: 100-continue", "Content-Length: 2"], method: "POST"))
        #expect(fixture.output() == "HTTP/1.1 100 Continue\r\n\r\n")
        try fixture.send("ab" + fixture.redemption(headers: ["Expect: something"]))
        fixture.backend.answer()
        #expect(fixture.responses().map(\.status) == [200, 400])
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "POST /v1/coupons/tea/redemptions HTTP/1.1\r\nHost x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    ])
    func whatIsNotHTTPIsRefused(text: String) throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption() + text)
        fixture.accept(0)
        let responses = fixture.responses()
        #expect(responses.map(\.status) == [201, 400])
        #expect(responses.last?.body.contains(#""code":"malformed_request""#) == true)
        #expect(responses.last?.headers["connection"] == "close")
        #expect(fixture.backend.waiting == 0)
    }

    /// What is behind it must not take the answers that are owed before it.
    @Test func bytesBehindWhatIsNotHTTPAreNotRead() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption() + "GARBAGE\r\n\r\n")
        try? fixture.send("MORE\r\n\r\n")
        fixture.accept(0)
        #expect(fixture.responses().map(\.status) == [201, 400])
    }

    @Test func aBadChunkForHummingbirdIsRefusedInItsStead() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.other(headers: ["Transfer-Encoding: chunked"], method: "POST") + "zz\r\n")
        #expect(fixture.responses().map(\.status) == [400])
        // It must not take what it has for the whole body.
        #expect(fixture.backend.inputIsBroken)
        fixture.backend.answer()
        #expect(fixture.output().isEmpty)
        #expect(fixture.hasEnded())
    }

    @Test func noPartOfABodyIsTakenForTheWhole() throws {
        let body = ["Content-Length: 60"]
        let half = try Fixture()
        try half.send(half.other(headers: body, method: "POST") + "{}")
        half.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(half.responses().map(\.status) == [400])
        #expect(half.backend.inputIsBroken)

        let slow = try Fixture { $0.shortTimeouts() }
        try slow.send(slow.other(headers: body, method: "POST") + "{}")
        slow.wait(.milliseconds(400))
        #expect(slow.responses().map(\.status) == [408])
        #expect(slow.backend.inputIsBroken)

        let large = try Fixture()
        try large.send(large.other(headers: ["Transfer-Encoding: chunked"], method: "POST") + "2\r\n{}\r\n1388\r\n")
        try large.send(String(repeating: "x", count: 5000))
        #expect(large.responses().map(\.status) == [413])
        #expect(large.backend.inputIsBroken)

        let gone = try Fixture()
        try gone.send(gone.other(headers: body, method: "POST") + "{}")
        gone.channel.pipeline.fireChannelInactive()
        #expect(gone.backend.inputIsBroken)

        let whole = try Fixture()
        try whole.send(whole.other(headers: ["Content-Length: 2"], method: "POST") + "{}")
        whole.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!whole.backend.inputIsBroken)
        whole.backend.answer()
        #expect(whole.responses().map(\.status) == [200])
    }

    @Test func headersThatAreTooLargeAreRefused() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.other(headers: (0..<200).map { "X-\($0): y" }))
        #expect(fixture.responses().map(\.status) == [431])
    }

    @Test func theClientsWishToCloseIsHeard() throws {
        let hot = try Fixture()
        try hot.send(hot.redemption(headers: ["Connection: close"]) + hot.redemption())
        hot.accept(0)
        let responses = hot.responses()
        #expect(responses.map { $0.headers["connection"] } == ["close"])
        #expect(hot.hasEnded())
        #expect(hot.asked.count == 1)

        let passed = try Fixture()
        try passed.send(passed.other(headers: ["Connection: close"]))
        passed.backend.answer()
        #expect(passed.responses().map { $0.headers["connection"] } == ["close"])
        #expect(passed.hasEnded())

        let old = try Fixture()
        try old.send(old.redemption(version: "1.0"))
        old.accept(0)
        #expect(old.responses().map { $0.headers["connection"] } == ["close"])
        #expect(old.hasEnded())

        let oldKept = try Fixture()
        try oldKept.send(oldKept.redemption(headers: ["Connection: keep-alive"], version: "1.0"))
        oldKept.accept(0)
        #expect(oldKept.responses().map { $0.headers["connection"] } == ["keep-alive"])
        #expect(oldKept.channel.isActive)
        try oldKept.finish()
    }

    @Test func aHalfClosedClientGetsItsAnswer() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption())
        fixture.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(fixture.channel.isActive)
        #expect(!fixture.backend.inputIsClosed)
        fixture.accept(0)
        #expect(fixture.responses().map(\.status) == [201])
        #expect(fixture.backend.inputIsClosed)
    }

    @Test func aCloseByHummingbirdWaitsForTheLastAnswer() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption())
        fixture.channel.close(promise: nil)
        #expect(fixture.channel.isActive)
        fixture.accept(0)
        #expect(fixture.responses().map(\.status) == [201])
        #expect(fixture.hasEnded())
    }

    @Test func aClientThatHasGoneIsNotWrittenTo() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption())
        fixture.channel.pipeline.fireChannelInactive()
        fixture.accept(0)
        #expect(fixture.output().isEmpty)
    }

    @Test func aShutdownFinishesWhatWasBegun() throws {
        let idle = try Fixture()
        idle.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(idle.hasEnded())

        let hot = try Fixture()
        try hot.send(hot.redemption() + hot.redemption())
        hot.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        hot.accept(0)
        #expect(hot.channel.isActive)
        hot.accept(1)
        #expect(hot.responses().map { $0.headers["connection"] } == [nil, "close"])
        #expect(hot.hasEnded())

        let passed = try Fixture()
        try passed.send(passed.other())
        passed.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(passed.channel.isActive)
        passed.backend.answer()
        #expect(passed.responses().map { $0.headers["connection"] } == ["close"])
        #expect(passed.hasEnded())

        // Answered before its body has come.
        let early = try Fixture()
        try early.send(early.other(headers: ["Content-Length: 4"], method: "POST") + "ab")
        early.backend.answer()
        early.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(early.hasEnded())
    }

    @Test func aClientWithEnoughUnderWayIsNotReadFrom() throws {
        let fixture = try Fixture { $0.pipelinedRequests = 3 }
        try fixture.send((0..<3).map { _ in fixture.redemption() }.joined())
        let before = fixture.reads.count
        fixture.channel.read()
        #expect(fixture.reads.count == before)
        fixture.accept(0)
        #expect(fixture.reads.count == before + 1)
        fixture.accept(1)
        fixture.accept(2)
        try fixture.finish()
    }

    @Test func whatHummingbirdHasNotAnsweredCountsToo() throws {
        let fixture = try Fixture { $0.pipelinedRequests = 3 }
        try fixture.send((0..<3).map { _ in fixture.other() }.joined())
        let before = fixture.reads.count
        fixture.channel.read()
        #expect(fixture.reads.count == before)
        fixture.backend.answer()
        #expect(fixture.reads.count == before + 1)
        try fixture.finish()
    }

    /// What stands behind the last request of a connection is no request, though the answer to that one waits for others.
    @Test func nothingIsReadBehindTheLastRequest() throws {
        // By the fields and the body of the last request: its status.
        let lasts: [([String], String, Int)] = [
            (["Content-Length: 9999"], String(repeating: "x", count: 9999), 413), (["Expect: x"], "", 400),
            (["Transfer-Encoding:"], "", 400), (["Transfer-Encoding: chunked"], "x", 400),
            (["Upgrade: x", "Connection: upgrade", "Content-Length: 2"], "{}", 400),
        ]
        for (headers, body, status) in lasts {
            for isCut in [false, true] {
                let fixture = try Fixture()
                try fixture.send(fixture.redemption())
                let last = fixture.redemption(headers: headers, body: nil) + body
                if isCut {
                    try fixture.send(last)
                    try fixture.send(fixture.redemption())
                } else {
                    try fixture.send(last + fixture.redemption())
                }
                #expect(fixture.asked.count == 1)
                #expect(fixture.responses().isEmpty)
                fixture.accept(0)
                #expect(fixture.responses().map(\.status) == [201, status])
            }
        }

        let late = try Fixture { $0.requestTimeout = .milliseconds(200) }
        try late.send(late.redemption())
        let slow = late.redemption()
        try late.send(slow.dropLast(3))
        late.wait(.milliseconds(1000))
        try late.send(slow.suffix(3))
        late.accept(0)
        #expect(late.responses().map(\.status) == [201, 408])
        #expect(late.asked.count == 1)
    }

    /// A request that Hummingbird cannot read to its end does not take their answers from those before it.
    @Test func aBrokenRequestIsRefusedInItsTurn() throws {
        let fixture = try Fixture()
        let broken = fixture.other(headers: ["Transfer-Encoding: chunked"], method: "POST")
        try fixture.send(fixture.other() + fixture.other() + broken + "nonsense\r\n")
        #expect(fixture.responses().isEmpty)
        fixture.backend.answer()
        fixture.backend.answer()
        #expect(fixture.responses().map(\.status) == [200, 200, 400])

        // Its own turn may come only after it was found to be broken.
        let later = try Fixture()
        try later.send(later.redemption() + broken + "nonsense\r\n")
        #expect(later.responses().isEmpty)
        later.accept(0)
        #expect(later.responses().map(\.status) == [201, 400])
        later.backend.answer()
        #expect(later.output().isEmpty)
        #expect(later.hasEnded())
    }

    @Test func aHeadThatIsNotWholeInTimeIsRefused() throws {
        let fixture = try Fixture { $0.headerTimeout = .milliseconds(200) }
        try fixture.send(fixture.other(headers: ["Connection: keep-alive"]).dropLast(2))
        for _ in 0..<3 {
            fixture.wait(.milliseconds(60))
            try fixture.send("X: y\r\n")
        }
        #expect(fixture.responses().isEmpty)
        fixture.wait(.milliseconds(1500))
        #expect(fixture.responses().map(\.status) == [408])

        // Empty lines before a head are no part of it.
        let empty = try Fixture { $0.headerTimeout = .milliseconds(200) }
        try empty.send("\r\n")
        empty.wait(.milliseconds(2500))
        #expect(empty.output().isEmpty)
        #expect(empty.channel.isActive)

        // Between whole requests there is no such limit.
        let quiet = try Fixture { $0.headerTimeout = .milliseconds(200) }
        for _ in 0..<3 {
            try quiet.send(quiet.other())
            quiet.backend.answer()
            #expect(quiet.responses().map(\.status) == [200])
            quiet.wait(.milliseconds(2500))
        }
        #expect(quiet.channel.isActive)

        // An answer that is owed comes first.
        let owed = try Fixture { $0.headerTimeout = .milliseconds(200) }
        try owed.send(owed.redemption())
        try owed.send("GET / HTTP/1.1\r\n")
        owed.wait(.milliseconds(1500))
        #expect(owed.responses().isEmpty)
        owed.accept(0)
        #expect(owed.responses().map(\.status) == [201, 408])
    }

    @Test func slowRequestsAndIdleConnectionsEnd() throws {
        let idle = try Fixture { $0.shortTimeouts() }
        #expect(idle.channel.isActive)
        idle.wait(.milliseconds(700))
        #expect(idle.hasEnded())

        // A header sent byte by byte is no sign of life.
        let slowHead = try Fixture { $0.shortTimeouts() }
        for byte in slowHead.redemption().utf8.prefix(14) {
            if slowHead.channel.isActive { try slowHead.send([byte]) }
            slowHead.wait(.milliseconds(50))
        }
        #expect(slowHead.hasEnded())

        let slowBody = try Fixture { $0.shortTimeouts() }
        try slowBody.send(slowBody.redemption().dropLast(3))
        slowBody.wait(.milliseconds(400))
        #expect(slowBody.responses().map(\.status) == [408])

        let slowDecision = try Fixture { $0.shortTimeouts() }
        try slowDecision.send(slowDecision.redemption())
        slowDecision.wait(.milliseconds(700))
        #expect(slowDecision.channel.isActive)
        slowDecision.accept(0)
        #expect(slowDecision.responses().map(\.status) == [201])
    }

    @Test(arguments: [
        ("POST", "/v1/coupons/tea/redemptions", true), ("POST", "/v1/coupons/tea/redemptions?x=1", true),
        ("GET", "/v1/coupons/tea/redemptions", false), ("POST", "/v1/coupons//redemptions", false),
        ("POST", "/v1/coupons/redemptions", false), ("POST", "/v1/coupons/a/b/redemptions", false),
        ("POST", "/v1/coupons/t%65a/redemptions", false), ("POST", "/v1/coupons/tea/redemptions/", false),
        ("POST", "/V1/coupons/tea/redemptions", false), ("POST", "http://host/v1/coupons/tea/redemptions", false),
        ("POST", "/v1/coupons/T!/redemptions", true),
    ])
    func whichRequestsAreHot(method: String, uri: String, isHot: Bool) {
        let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: uri)
        #expect((HotRoute.coupon(in: head) != nil) == isHot)
    }
}

/// Refusals that need nobody's decision.
@Suite struct HotRouteRefusalTests {
    @Test(arguments: [
        ([], #"{"code":"ABC"}"#, 401, "token_invalid"),
        (["Authorization: Basic abc"], #"{"code":"ABC"}"#, 401, "token_invalid"),
        (["Authorization: Bearer x"], #"{"code":"ABC"}"#, 401, "token_invalid"),
        (["TOKEN", "Authorization: Bearer x"], #"{"code":"ABC"}"#, 401, "token_invalid"),
        (["EXPIRED"], #"{"code":"ABC"}"#, 401, "token_expired"),
        (["TOKEN", "Content-Type: text/plain"], #"{"code":"ABC"}"#, 415, "unsupported_media_type"),
        (["TOKEN", "Idempotency-Key: "], #"{"code":"ABC"}"#, 400, "idempotency_key_invalid"),
        (["TOKEN", "Idempotency-Key: a b"], #"{"code":"ABC"}"#, 400, "idempotency_key_invalid"),
        (["TOKEN", "Idempotency-Key: a", "Idempotency-Key: a"], #"{"code":"ABC"}"#, 400, "idempotency_key_invalid"),
        (["TOKEN", "Idempotency-Key: \(String(repeating: "k", count: 129))"], "{}", 400, "idempotency_key_invalid"),
        (["TOKEN"], "", 400, "invalid_body"), (["TOKEN"], "{}", 400, "invalid_body"), (["TOKEN"], "[]", 400, "invalid_body"),
        (["TOKEN"], #"{"code":1}"#, 400, "invalid_body"), (["TOKEN"], #"{"code":""}"#, 400, "invalid_body"),
        (["TOKEN"], #"{"code":"A","code":"A"}"#, 400, "invalid_body"),
        (["TOKEN"], "{\"code\":\"\(String(repeating: "A", count: 129))\"}", 400, "invalid_body"),
    ])
    func refused(headers: [String], body: String, status: Int, code: String) throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption(headers: headers, body: body, authorized: false))
        let response = try #require(fixture.responses().first)
        #expect(response.status == status)
        #expect(response.body.contains("\"code\":\"\(code)\""))
        #expect(response.headers["content-type"] == "application/problem+json")
        #expect((response.headers["www-authenticate"] != nil) == (status == 401))
        #expect(fixture.asked.isEmpty)
        #expect(fixture.channel.isActive)
        try fixture.finish()
    }

    @Test func aCouponThatCannotExist() throws {
        let fixture = try Fixture()
        try fixture.send(fixture.redemption(coupon: "T!"))
        #expect(fixture.responses().map(\.status) == [404])
        try fixture.finish()
    }

    @Test func everyProblemAsAnAnswer() throws {
        let fixture = try Fixture()
        for (index, code) in ProblemCode.allCases.enumerated() {
            try fixture.send(fixture.redemption())
            fixture.asked[index].1(.refused(Problem(code)))
            let response = try #require(fixture.responses().first)
            #expect(response.status == code.status)
            #expect(response.body.contains("\"code\":\"\(code.rawValue)\""))
        }
        try fixture.finish()
    }
}

extension ServerLimits {
    fileprivate mutating func shortTimeouts() {
        idleTimeout = .milliseconds(300)
        headerTimeout = .milliseconds(200)
        requestTimeout = .milliseconds(200)
    }
}
