import ArgumentParser
import LoadGenerator
import NIOCore
import Terminal
import Testing

@testable import redeem

@Suite struct ReplayTests {
    private func replay(_ text: String, expecting: String? = nil) throws -> Replay {
        try Replay(TokenLines(Array(text.utf8)), file: "requests", host: "h:1", expecting: expecting)
    }

    private func texts(_ workload: ReplayWorkload) -> [String] {
        var texts: [String] = []
        while workload.supply == .ready {
            var buffer = ByteBuffer()
            _ = workload.next(into: &buffer)
            texts.append(String(buffer: buffer))
        }
        return texts
    }

    @Test func linesBecomeRequests() throws {
        let lines =
            "GET /EVALSHA/ab/1/%7Bs0%7D\nPOST /v1/x\t{\"code\":\"ü\"}\tContent-Type: application/json\tA: b c\n"
            + "DELETE /y\t\tA: b\nPOST /z"
        let workload = ReplayWorkload(try replay(lines), kind: 0, thread: 0, of: 1)
        #expect(
            texts(workload) == [
                "GET /EVALSHA/ab/1/%7Bs0%7D HTTP/1.1\r\nHost: h:1\r\n\r\n",
                "POST /v1/x HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nA: b c\r\nContent-Length: 13\r\n\r\n{\"code\":\"ü\"}",
                "DELETE /y HTTP/1.1\r\nHost: h:1\r\nA: b\r\n\r\n",
                "POST /z HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n",
            ]
        )
        #expect(workload.supply == .exhausted)
    }

    @Test func threadsShareTheLinesAndEachIsSentOnce() throws {
        let replay = try replay("GET /0\nGET /1\nGET /2\nGET /3\nGET /4")
        var tags: [Int] = []
        for thread in 0..<2 {
            let workload = ReplayWorkload(replay, kind: 0, thread: thread, of: 2)
            var buffer = ByteBuffer()
            while workload.supply == .ready { tags.append(workload.next(into: &buffer).tag) }
        }
        #expect(tags == [0, 2, 4, 1, 3])
    }

    private func outcome(_ expecting: String?, _ status: Int, _ body: String) throws -> String? {
        let workload = ReplayWorkload(try replay("GET /", expecting: expecting), kind: 0, thread: 0, of: 1)
        return Array(body.utf8).withUnsafeBytes { body in
            workload.outcome(status: status, body: body).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test func anAnswerIsAsExpectedOrCountedAsWhatItIs() throws {
        let accepted = "{\"EVALSHA\":[\"5\",\"accepted\",\"01\"]}"
        #expect(try outcome("accepted", 200, accepted) == "expected")
        #expect(try outcome("\"acc", 200, accepted) == "expected")
        #expect(try outcome("01\"]}", 200, accepted) == "expected")
        #expect(try outcome("sold_out", 200, accepted) == nil)
        #expect(try outcome("accepted", 200, "accepte") == nil)
        #expect(try outcome("accepted", 200, "") == nil)
        #expect(try outcome("201", 201, "") == "expected")
        #expect(try outcome("201", 200, "201") == nil)
        #expect(try outcome("201", 409, "{\"code\":\"sold_out\"}") == "sold_out")
        #expect(try outcome(nil, 204, "") == "expected")
        #expect(try outcome(nil, 302, "") == nil)
        #expect(try outcome("sold_out", 409, "{\"code\":\"sold_out\"}") == "expected")
    }

    @Test(arguments: [
        "GET", "GET  /x", "get /x", "GET x", "GET /x HTTP/1.1", "POST /x\t{}\tno field", "POST /x\t{}\tContent-Length: 2",
        "GET /x\t\tHost: y", "GET /x\t\t: y",
    ])
    func aLineThatIsNoRequestIsNamed(_ line: String) throws {
        #expect {
            try replay("GET /\n\(line)")
        } throws: { error in
            "\(error)".hasPrefix("'requests', line 2 is no request\n  write a method")
        }
    }

    @Test func wrongUseIsNamed() throws {
        func problem(_ arguments: String...) -> String {
            do {
                _ = try BenchSettings(try BenchOptions.parse(arguments))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(problem("replay", "--local").hasPrefix("replay is for --url"))
        #expect(problem("storm", "--url", "http://x", "--requests", "f").hasPrefix("--requests is for the scenario replay"))
        #expect(problem("--url", "http://x", "--expect", "201").hasPrefix("--expect is for the scenario replay"))
        #expect(problem("mixed", "--local", "--mix", "replay=1").hasPrefix("--mix: 'replay=1' is not a kind of request"))
        #expect(problem("replay", "--url", "http://x", "--requests", "f", "--expect", "201") == "")
        #expect(throws: UsageError.self) { try Expectation("") }
        #expect(try Expectation("999") == .text(Array("999".utf8)))
    }
}
