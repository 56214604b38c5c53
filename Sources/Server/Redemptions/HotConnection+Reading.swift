import NIOCore
import NIOHTTP1

extension HotConnection {
    /// Takes a part of a request.
    /// - Returns: true if its turn had come. Otherwise nothing was done with it.
    mutating func take(_ part: HTTPServerRequestPart, _ now: NIODeadline, _ actions: inout Actions) -> Bool {
        switch part {
        case .head(let head): return begin(head, now, &actions)
        case .body(let bytes): goOn(bytes, now, &actions)
        case .end(let trailers): finishRequest(trailers, now, &actions)
        }
        return true
    }

    private mutating func begin(_ head: HTTPRequestHead, _ now: NIODeadline, _ actions: inout Actions) -> Bool {
        if case .discarded = reading { return true }
        guard head.hasOneEnd else { return refuse(head, Problem(.malformedRequest), now, &actions) }
        let expectation = Expectation(head)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limits.bodyBytes {
            return refuse(head, bodyTooLarge, now, &actions)
        }
        if expectation == .other {
            return refuse(head, Problem(.malformedRequest, "Only Expect: 100-continue is understood."), now, &actions)
        }
        let isAlone = expectation == .continues
        if let coupon = HotRoute.coupon(in: head) {
            guard turns.mayBegin(.hot, alone: isAlone) else { return false }
            reading = .hot(HotRequest(head, coupon: coupon, now: now, newID: newID))
        } else {
            guard turns.mayBegin(.passed, alone: isAlone) else { return false }
            turns.pass(keepAlive: head.mayBeFollowed)
            reading = .passed(since: now, bytes: 0)
            actions.append(.pass(.head(head)))
        }
        if isAlone { actions.append(.writeContinue) }
        return true
    }

    private var bodyTooLarge: Problem { Problem(.bodyTooLarge, "The body may have \(limits.bodyBytes) bytes.") }

    /// Refuses without reading the body. The next request would begin behind the body, so the connection ends.
    private mutating func refuse(
        _ head: HTTPRequestHead,
        _ problem: Problem,
        _ now: NIODeadline,
        _ actions: inout Actions
    ) -> Bool {
        guard turns.mayBegin(.hot, alone: false) else { return false }
        refuse(HotCall(refusing: head, now: now, newID: newID), problem, &actions)
        return true
    }

    private mutating func goOn(_ bytes: ByteBuffer, _ now: NIODeadline, _ actions: inout Actions) {
        switch reading {
        case .hot(var request):
            // Otherwise `append` would copy the body, since two variables hold it.
            reading = .nothing
            if request.append(bytes, limit: limits.bodyBytes) {
                reading = .hot(request)
            } else {
                refuse(request.call, bodyTooLarge, &actions)
            }
        case .passed(let since, let count):
            guard count + bytes.readableBytes <= limits.bodyBytes else { return failPassed(bodyTooLarge, now, &actions) }
            reading = .passed(since: since, bytes: count + bytes.readableBytes)
            actions.append(.pass(.body(bytes)))
        case .nothing, .discarded: break
        }
    }

    private mutating func finishRequest(_ trailers: HTTPHeaders?, _ now: NIODeadline, _ actions: inout Actions) {
        lastActivity = now
        switch reading {
        case .hot(let request):
            reading = request.call.connection == .close ? .discarded : .nothing
            actions.append(.redeem(request, turns.answers.reserve()))
        case .passed:
            reading = turns.passed.last == false ? .discarded : .nothing
            actions.append(.pass(.end(trailers)))
        case .nothing, .discarded: break
        }
    }
}

/// The answer that a client expects before it sends the body (RFC 9110, section 10.1.1).
private enum Expectation {
    case none
    case continues
    case other

    init(_ head: HTTPRequestHead) {
        // HTTP/1.0 has no interim answers, so its expectations are ignored.
        guard head.version != .http1_0, let value = head.headers.first(name: "expect") else {
            self = .none
            return
        }
        self = value.lowercased() == "100-continue" ? .continues : .other
    }
}

extension HTTPRequestHead {
    /// True if all readers see the request end in the same place. NIO's decoder refuses most of what is doubtful. It lets pass a
    /// `Transfer-Encoding` without a value, and one in HTTP/1.0 (RFC 9112, section 6.1).
    fileprivate var hasOneEnd: Bool {
        guard headers.contains(name: "transfer-encoding") else { return true }
        let encodings = headers["transfer-encoding"]
        return version == .http1_1 && encodings.count == 1 && encodings[0].lowercased() == "chunked"
    }

    /// True if another request may follow on the connection. After one that asks for another protocol NIO's decoder reads nothing
    /// more, whether or not it gets that protocol.
    var mayBeFollowed: Bool { isKeepAlive && method != .CONNECT && !headers.contains(name: "upgrade") }
}
