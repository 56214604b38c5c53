import NIOCore
import NIOHTTP1
import Testing

@testable import Server

/// The state machine alone: what happens, what is to be done.
@Suite struct HotConnectionTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// A connection, with what it said last.
    private struct Transcript {
        var connection: HotConnection
        private(set) var tickets: [(HotCall, AnswerQueue.Ticket)] = []

        init(_ change: (inout ServerLimits) -> Void = { _ in }) {
            var limits = ServerLimits()
            change(&limits)
            connection = HotConnection(limits: limits, now: start, newID: { .ours(1) })
        }

        mutating func texts(_ actions: Actions) -> [String] {
            actions.map { action in
                switch action {
                case .pass(.head): return "pass head"
                case .pass(.body): return "pass body"
                case .pass(.end): return "pass end"
                case .passReadComplete: return "pass read complete"
                case .passInputClosed: return "pass input closed"
                case .passBreak: return "pass break"
                case .redeem(let request, let ticket):
                    tickets.append((request.call, ticket))
                    return "redeem"
                case .refused(_, let problem): return "refused \(problem.code.status)"
                case .write(_, let answer, let connection):
                    guard case .refused(let problem) = answer else { return "write" }
                    return "write \(problem.code.status) \(connection)"
                case .writeContinue: return "continue"
                case .read: return "read"
                case .end: return "end"
                case .closeOutput: return "close output"
                case .close: return "close"
                case .drop: return "drop"
                }
            }
        }

        /// Gives it all parts of a request.
        mutating func receive(_ head: HTTPRequestHead, body: String? = nil, now: NIODeadline = start) -> [String] {
            var texts = texts(connection.received(.head(head), now: now))
            if let body { texts += self.texts(connection.received(.body(ByteBuffer(string: body)), now: now)) }
            return texts + self.texts(connection.received(.end(nil), now: now))
        }

        mutating func decide(_ place: Int) -> [String] {
            let (call, ticket) = tickets[place]
            return texts(connection.decided(call, ticket, .refused(Problem(.soldOut)), now: start))
        }

        mutating func answerPassed() -> (head: HTTPResponseHead, texts: [String]) {
            let head = connection.passedHead(HTTPResponseHead(version: .http1_1, status: .ok))
            return (head, texts(connection.passedEnd(now: start)))
        }
    }

    private static func redemption(_ headers: HTTPHeaders = [:]) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: .POST, uri: "/v1/coupons/tea/redemptions", headers: headers)
    }

    private static func other(_ headers: HTTPHeaders = [:]) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: .GET, uri: "/other", headers: headers)
    }

    @Test func redemptionsAreAnsweredInTheirOrder() {
        var run = Transcript()
        #expect(run.receive(Self.redemption(), body: "{}") == ["redeem"])
        #expect(run.receive(Self.redemption(), body: "{}") == ["redeem"])
        #expect(run.decide(1) == [])
        #expect(run.decide(0) == ["write 409 keepAlive", "write 409 keepAlive"])
    }

    @Test func whatIsPassedOnWaitsForTheHotRoute() {
        var run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.receive(Self.other()) == [])
        #expect(run.decide(0) == ["write 409 keepAlive", "pass head", "pass end", "pass read complete"])
    }

    @Test func theHotRouteWaitsForWhatWasPassedOn() {
        var run = Transcript()
        #expect(run.receive(Self.other()) == ["pass head", "pass end"])
        #expect(run.receive(Self.redemption()) == [])
        let (head, texts) = run.answerPassed()
        #expect(head.headers["Connection"] == [])
        #expect(texts == ["redeem", "pass read complete"])
    }

    @Test func theLastAnswerSaysSoAndTheConnectionEnds() {
        var run = Transcript()
        #expect(run.receive(Self.redemption(["Connection": "close"])) == ["redeem"])
        // What is behind the last request is not read.
        #expect(run.receive(Self.redemption()) == [])
        #expect(run.decide(0) == ["write 409 close", "end"])
        #expect(run.texts(run.connection.lastWasWritten()) == ["close output"])
        #expect(run.texts(run.connection.inputClosed(now: Self.start)) == ["close"])

        run = Transcript()
        #expect(run.receive(Self.other(["Connection": "close"])) == ["pass head", "pass end"])
        let (head, texts) = run.answerPassed()
        #expect(head.headers["Connection"] == ["close"])
        #expect(texts == ["end"])
    }

    @Test func aServerThatStopsFinishesWhatWasBegun() {
        var run = Transcript()
        #expect(run.texts(run.connection.quiesce(now: Self.start)) == ["end"])
        run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.texts(run.connection.quiesce(now: Self.start)) == [])
        #expect(run.decide(0) == ["write 409 keepAlive"])
        #expect(run.decide(1) == ["write 409 close", "end"])

        // Half of it is here.
        run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.texts(run.connection.received(.head(Self.redemption()), now: Self.start)) == [])
        #expect(run.texts(run.connection.quiesce(now: Self.start)) == [])
        #expect(run.decide(0) == ["write 409 keepAlive"])
        #expect(run.texts(run.connection.received(.end(nil), now: Self.start)) == ["redeem"])
        #expect(run.decide(1) == ["write 409 close", "end"])
    }

    @Test func whatCannotBeReadIsRefusedInItsTurn() {
        var run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.texts(run.connection.failed(.invalidMethod, now: Self.start)) == ["refused 400"])
        #expect(run.receive(Self.redemption()) == [])
        #expect(run.decide(0) == ["write 409 keepAlive", "write 400 close", "end"])

        run = Transcript()
        #expect(run.receive(Self.other()) == ["pass head", "pass end"])
        #expect(run.texts(run.connection.failed(.invalidMethod, now: Self.start)) == [])
        #expect(run.answerPassed().texts == ["refused 400", "write 400 close", "end"])
    }

    @Test func aBodyThatIsTooLargeEndsTheConnection() {
        let body = String(repeating: "a", count: ServerLimits().bodyBytes + 1)
        var run = Transcript()
        #expect(run.receive(Self.redemption(), body: body) == ["refused 413", "write 413 close", "end"])
        run = Transcript()
        let passed = ["pass head", "pass break", "refused 413", "write 413 close", "end"]
        #expect(run.receive(Self.other(), body: body) == passed)
        // Another one is owed before it.
        run = Transcript()
        #expect(run.receive(Self.other()) == ["pass head", "pass end"])
        #expect(run.receive(Self.other(), body: body) == ["pass head", "pass break"])
        #expect(run.answerPassed().texts == ["refused 413", "write 413 close", "end"])
    }

    @Test func nothingIsReadFromAClientThatHasEnoughUnderWay() {
        var run = Transcript { $0.pipelinedRequests = 1 }
        var mayRead = run.connection.readWanted()
        #expect(mayRead)
        #expect(run.receive(Self.redemption()) == ["redeem"])
        mayRead = run.connection.readWanted()
        #expect(!mayRead)
        #expect(run.decide(0) == ["write 409 keepAlive", "read"])
        #expect(run.texts(run.connection.writabilityChanged(false, now: Self.start)) == [])
        mayRead = run.connection.readWanted()
        #expect(!mayRead)
        #expect(run.texts(run.connection.writabilityChanged(true, now: Self.start)) == ["read"])
    }

    @Test func whatIsBehindHearsOfAClosedInputAfterTheLastAnswer() {
        var run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.texts(run.connection.inputClosed(now: Self.start)) == [])
        #expect(run.decide(0) == ["write 409 keepAlive", "pass input closed"])
        #expect(run.texts(run.connection.closeWanted()) == ["end"])
        #expect(run.texts(run.connection.lastWasWritten()) == ["close"])
    }

    @Test func aCloseFromBehindWaitsForTheLastAnswer() {
        var run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.texts(run.connection.closeWanted()) == [])
        #expect(run.decide(0) == ["write 409 close", "end"])
    }

    @Test func limitsOfTime() {
        let limits = ServerLimits()
        func later(_ time: Duration) -> NIODeadline { Self.start + TimeAmount(time) + .seconds(1) }
        var run = Transcript()
        #expect(run.texts(run.connection.timerFired(now: later(limits.idleTimeout))) == ["end"])

        run = Transcript()
        #expect(run.texts(run.connection.received(.head(Self.redemption()), now: Self.start)) == [])
        #expect(run.connection.isUnfinished)
        let refused = ["refused 408", "write 408 close", "end"]
        #expect(run.texts(run.connection.timerFired(now: later(limits.requestTimeout))) == refused)

        // A part of a head.
        run = Transcript()
        run.connection.feeding(ByteBuffer(string: "GE"))
        run.connection.fed(ByteBuffer(string: "GE"), now: Self.start)
        #expect(run.connection.isUnfinished)
        #expect(run.texts(run.connection.timerFired(now: later(limits.headerTimeout))) == refused)

        // A client that does not read.
        run = Transcript()
        #expect(run.receive(Self.redemption()) == ["redeem"])
        #expect(run.texts(run.connection.writabilityChanged(false, now: Self.start)) == [])
        #expect(run.texts(run.connection.timerFired(now: later(limits.writeTimeout))) == ["drop"])
        #expect(run.texts(run.connection.ended()) == [])
        #expect(run.decide(0) == [])
    }
}
