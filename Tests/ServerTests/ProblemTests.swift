import Domain
import Foundation
import NIOCore
import TestSupport
import Testing

@testable import Server

@Suite struct ProblemTests {
    @Test(arguments: ProblemCode.allCases)
    func everyCodeIsAProblemDocument(code: ProblemCode) throws {
        let text = Problem(code).body(requestID: "req-1")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["type"] as? String == "/problems/\(code.rawValue)")
        #expect(object["title"] as? String == code.title)
        #expect(object["status"] as? Int == code.status)
        #expect(object["code"] as? String == code.rawValue)
        #expect(object["detail"] as? String == code.detail)
        #expect(object["request_id"] as? String == "req-1")
        #expect(object.count == 6)
        #expect((400...599).contains(code.status))
        #expect(ProblemCode.allCases[code.index] == code)
    }

    @Test(arguments: ProblemCode.allCases)
    func everyCodeHasTheHeadersOfItsStatus(code: ProblemCode) {
        var headers: [String: String] = [:]
        Problem(code).forEachHeader { headers[$0] = $1 }
        #expect((headers["WWW-Authenticate"] != nil) == (code.status == 401 || code.status == 403))
        #expect((headers["Retry-After"] != nil) == (code.status == 503 || code.status == 429))
        #expect(headers["Cache-Control"] == "no-store")
    }

    @Test func aParticularProblemIsEscaped() throws {
        let problem = Problem(.invalidBody, "a \"b\" \\ \n \u{1} é", member: .init(name: "redemption", value: "x"))
        let text = problem.body(requestID: "r")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["detail"] as? String == "a \"b\" \\ \n \u{1} é")
        #expect(object["redemption"] as? String == "x")
    }

    @Test(arguments: [
        ("req-1", true), ("", false), ("a b", false), ("a\"b", false), ("é", false), (String(repeating: "a", count: 128), true),
        (String(repeating: "a", count: 129), false), ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
    ])
    func requestIDs(text: String, isAcceptable: Bool) {
        #expect(RequestID.isAcceptable(text) == isAcceptable)
    }

    @Test func madeRequestIDsDiffer() {
        var generator = RequestIDGenerator()
        let ids = (0..<1000).map { _ in generator.make().description }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { RequestID.isAcceptable($0) && $0.utf8.count == 16 })
    }

    @Test func times() {
        #expect(Timestamp(milliseconds: 0).rfc3339 == "1970-01-01T00:00:00.000Z")
        #expect(Timestamp(milliseconds: 784_111_777_123).rfc3339 == "1994-11-06T08:49:37.123Z")
        #expect(Timestamp(milliseconds: 784_111_777_999).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Timestamp(milliseconds: 1_709_208_000_001).rfc3339 == "2024-02-29T12:00:00.001Z")
        #expect(Timestamp(milliseconds: -1).rfc3339 == "1969-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .min).rfc3339 == "0001-01-01T00:00:00.000Z")
        #expect(Timestamp(milliseconds: .max).rfc3339 == "9999-12-31T23:59:59.999Z")
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            let milliseconds = Int64(random.next() % 7_000_000_000_000)
            let date = Date(timeIntervalSince1970: Double(milliseconds / 1000))
            let ours = Timestamp(milliseconds: milliseconds / 1000 * 1000).rfc3339
            #expect(ours == formatter.string(from: date))
        }
    }

    @Test(arguments: [
        ("application/json", true), ("application/json; charset=utf-8", true), ("Application/JSON ;charset=x", true),
        ("text/json", false), ("application/x-www-form-urlencoded", false), ("", false), ("application/jsonx", false),
        ("application/problem+json", false),
    ])
    func mediaTypes(text: String, isJSON: Bool) {
        #expect(MediaType.isJSON(text) == isJSON)
    }
}

/// The documentation says what the code does.
@Suite struct APIDocumentTests {
    private static let text: String = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return (try? String(contentsOf: folder.appending(path: "docs/API.md"), encoding: .utf8)) ?? ""
    }()

    @Test(arguments: ProblemCode.allCases)
    func everyCodeHasItsExample(code: ProblemCode) {
        var problem = Problem(code)
        if code == .alreadyRedeemed {
            problem.member = .init(name: "redemption", value: "019bc0ab-2400-7a3b-8c4d-5e6f708192a3")
        } else if code == .couponNotStarted {
            problem.member = .init(name: "starts_at", value: "2026-01-15T20:00:00.000Z")
        }
        #expect(APIDocumentTests.text.contains(problem.body(requestID: "5f0c1d2e3a4b5c6d")))
        #expect(APIDocumentTests.text.contains("**`\(code.rawValue)`** · \(code.status)"))
    }

    @Test func theExampleOfARedemption() throws {
        let id = try #require(RedemptionID("019bc0ab-2400-7a3b-8c4d-5e6f708192a3"))
        let user = UserID(uuid: UUIDv7(milliseconds: 1))
        let redemption = Redemption(id: id, user: user, coupon: try #require(CouponID("tea")), price: 30)
        let held = RedemptionJSON.text(redemption, .local)
        #expect(APIDocumentTests.text.contains("Content-Length: \(held.utf8.count)\n\n\(held)\n"))
        let confirmed = try AnswerEncoder.encode(RedemptionView(redemption, .confirmed))
        #expect(APIDocumentTests.text.contains("```json\n\(String(decoding: confirmed, as: UTF8.self))\n```"))
    }
}
