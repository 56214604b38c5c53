import Foundation
import LoadGenerator
import NIOCore
import Terminal
import Testing

@testable import redeem

@Suite struct WorkloadTests {
    private func lines(_ texts: String...) -> TokenLines { TokenLines(Array(texts.joined(separator: "\n").utf8)) }

    private func next(_ workload: any Workload) -> (WorkloadRequest, String) {
        var buffer = ByteBuffer()
        let request = workload.next(into: &buffer)
        return (request, String(buffer: buffer))
    }

    private func answer(
        _ workload: any Workload,
        _ request: WorkloadRequest,
        _ status: Int,
        code: String? = nil,
        body: String = ""
    ) {
        Array(body.utf8).withUnsafeBytes { body in
            guard let code else { return workload.ended(request, .answer(status: status, code: nil, body: body)) }
            Array(code.utf8).withUnsafeBytes { workload.ended(request, .answer(status: status, code: $0, body: body)) }
        }
    }

    private func sale(_ tokens: TokenLines, order: RedeemWorkload.Order = .once, keys: String? = "run") -> RedeemWorkload.Sale {
        RedeemWorkload.Sale(
            coupon: "sale",
            code: "A\"B",
            host: "h:1",
            tokens: tokens,
            users: 0..<tokens.count,
            keys: keys,
            seed: 7,
            order: order
        )
    }

    @Test func linesAreFoundWhateverEndsThem() {
        let lines = TokenLines(Array("a\r\n\nbc  \n \nd".utf8))
        #expect((0..<lines.count).map { lines.text($0) } == ["a", "bc", "d"])
        #expect(TokenLines([]).count == 0)
    }

    @Test func aFileOfLinesIsUTF8AndABeginningThatSaysSoIsNoPartOfIt() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data([0xEF, 0xBB, 0xBF] + Array("a\ncafé".utf8)).write(to: file)
        let lines = try TokenLines(file: file.path, flag: "--tokens", of: "tokens")
        #expect((0..<lines.count).map(lines.text) == ["a", "café"])
        try Data(Array("a\nb".utf8) + [0xFF]).write(to: file)
        let error = #expect(throws: UsageError.self) { try TokenLines(file: file.path, flag: "--tokens", of: "tokens") }
        #expect(error?.problem == "'\(file.path)', line 2, is not UTF-8")
    }

    @Test func aRedemptionIsAWholeRequest() {
        let workload = RedeemWorkload(sale(lines("t1", "t2")), answers: SaleAnswers(users: 2), kind: 3, thread: 0, of: 1)
        let (request, text) = next(workload)
        #expect(request == WorkloadRequest(kind: 3, tag: 0))
        #expect(
            text == "POST /v1/coupons/sale/redemptions HTTP/1.1\r\nHost: h:1\r\nUser-Agent: redeem-bench\r\n"
                + "Content-Type: application/json\r\nAuthorization: Bearer t1\r\nIdempotency-Key: run-0-0\r\n"
                + "Content-Length: 15\r\n\r\n{\"code\":\"A\\\"B\"}"
        )
        let bare = RedeemWorkload(sale(lines("t1"), keys: nil), answers: SaleAnswers(users: 1), kind: 0, thread: 0, of: 1)
        #expect(!next(bare).1.contains("Idempotency-Key"))
    }

    @Test func threadsShareTheUsersAndEachIsAskedOnce() {
        let tokens = lines("a", "b", "c", "d", "e")
        let answers = SaleAnswers(users: 5)
        var users: [Int] = []
        for thread in 0..<3 {
            let workload = RedeemWorkload(sale(tokens), answers: answers, kind: 0, thread: thread, of: 3)
            while workload.supply == .ready {
                let request = next(workload).0
                users.append(request.tag)
                answer(workload, request, 201)
            }
            #expect(workload.supply == .exhausted)
        }
        #expect(users.sorted() == [0, 1, 2, 3, 4])
        #expect(answers.summary == SaleAnswers.Summary(asked: 5, accepted: 5))
    }

    @Test func aStormAsksAnyUserAgainWithANewKeyInTheSameOrderForASeed() {
        func run() -> [String] {
            let workload = RedeemWorkload(
                sale(lines("a", "b"), order: .random),
                answers: SaleAnswers(users: 2),
                kind: 0,
                thread: 0,
                of: 1
            )
            return (0..<20).map { _ in next(workload).1 }
        }
        let texts = run()
        #expect(texts == run())
        #expect(Set(texts).count == 20)
        #expect(texts.contains { $0.contains("Bearer a\r\n") })
        #expect(texts.contains { $0.contains("Bearer b\r\n") })
    }

    @Test func outcomesAreMarked() {
        let answers = SaleAnswers(users: 6)
        let workload = RedeemWorkload(sale(lines("a", "b", "c", "d", "e", "f")), answers: answers, kind: 0, thread: 0, of: 1)
        answer(workload, next(workload).0, 201)
        answer(workload, next(workload).0, 409, code: "sold_out")
        answer(workload, next(workload).0, 409, code: "already_redeemed")
        answer(workload, next(workload).0, 503, code: "outcome_unknown")
        answer(workload, next(workload).0, 401, code: "token_expired")
        workload.ended(next(workload).0, .failure(.timeout))
        let expected = SaleAnswers.Summary(asked: 6, accepted: 1, before: 1, undecided: 2, failed: 1)
        #expect(answers.summary == expected)
    }

    /// A transcript of three sessions.
    @Test func aSessionHasOneRefreshUnderWayAndGoesOnWithTheTokenItGot() {
        let workload = RefreshWorkload(lines("r0", "r1", "r2"), host: "h", kind: 0, thread: 0, of: 1)
        let (first, text) = next(workload)
        #expect(text.hasSuffix("Content-Length: 22\r\n\r\n{\"refresh_token\":\"r0\"}"))
        let (second, _) = next(workload)
        let (third, _) = next(workload)
        #expect(workload.supply == .waiting)
        answer(workload, first, 200, body: "{\"access_token\":\"x\",\"refresh_token\":\"r0b\",\"session\":\"s\"}")
        #expect(workload.supply == .ready)
        let (again, next0) = next(workload)
        #expect(again.tag == first.tag)
        #expect(next0.hasSuffix("{\"refresh_token\":\"r0b\"}"))
        // Refused for the time being: the token is still good. Refused for good, or lost: the session is.
        answer(workload, second, 503, code: "overloaded")
        #expect(next(workload).1.hasSuffix("{\"refresh_token\":\"r1\"}"))
        answer(workload, third, 401, code: "refresh_token_reused")
        workload.ended(again, .failure(.connectionLost))
        #expect(workload.supply == .waiting)
        workload.ended(second, .failure(.timeout))
        #expect(workload.supply == .exhausted)
    }

    @Test func loginsTakeTurns() {
        let workload = LoginWorkload(lines("ada pass word", "ben x"), host: "h", kind: 0, thread: 0, of: 1)
        #expect(next(workload).1.hasSuffix("{\"username\":\"ada\",\"password\":\"pass word\"}"))
        #expect(next(workload).1.hasSuffix("{\"username\":\"ben\",\"password\":\"x\"}"))
        #expect(next(workload).1.contains("ada"))
    }

    @Test func aMixKeepsItsWeightsAndPassesOverWhatWaits() {
        let redeem = RedeemWorkload(
            sale(lines("a"), order: .random),
            answers: SaleAnswers(users: 1),
            kind: 0,
            thread: 0,
            of: 1
        )
        let refresh = RefreshWorkload(lines("r0"), host: "h", kind: 1, thread: 0, of: 1)
        let workload = MixedWorkload([redeem, refresh], weights: [3, 1], seed: 5, thread: 0)
        var kinds = [0, 0]
        for _ in 0..<4000 {
            let request = next(workload).0
            kinds[request.kind] += 1
            answer(workload, request, 200, body: "{\"refresh_token\":\"r\"}")
        }
        #expect(abs(kinds[1] - 1000) < 150)
        // Its only session is under way.
        var request = next(workload).0
        while request.kind == 0 { request = next(workload).0 }
        for _ in 0..<50 { #expect(next(workload).0.kind == 0) }
    }
}
