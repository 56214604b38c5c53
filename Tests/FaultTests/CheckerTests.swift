import Domain
import Testing

@testable import Torture

/// Histories in which every promise was kept, however odd they look.
@Suite struct GoodHistoryTests {
    @Test func nothingAtAll() { #expect(Story().rules == []) }

    @Test func acceptedAndStored() {
        var story = Story()
        story.redeemed()
        story.redeemed(Story.ben, key: 2)
        #expect(story.rules == [])
    }

    @Test func anUnknownOneMayBeStoredOrNot() {
        var story = Story()
        story.add(story.redeem(), .unknown("timeout"))
        #expect(story.rules == [])
        story.store(RedemptionID(uuid: UUIDv7(milliseconds: UInt64(story.now.milliseconds + 4_000))))
        #expect(story.rules == [], "it may have been carried out long after its client gave up")
    }

    @Test func aRetryTellsTheFirstAnswer() {
        var story = Story()
        let id = story.id()
        story.add(story.redeem(), .unknown("connection_lost"))
        story.add(story.redeem(), .refused("shard_closed"))
        story.add(story.redeem(), .redeemed(id, replayed: true))
        story.add(story.redeem(), .redeemed(id, replayed: true))
        story.add(story.redeem(), .refused("session_revoked"))
        story.add(story.redeem(key: 2), .refused("already_redeemed", id))
        story.store(id)
        #expect(story.rules == [])
    }

    @Test func aRefusedOneMayBeTriedAgain() {
        var story = Story()
        story.add(story.redeem(), .refused("sold_out"))
        story.redeemed()
        #expect(story.rules == [])
    }

    @Test func whatAFaultMayLoseMayBeLostAndDecidedAnew() {
        var story = Story()
        let before = story.now
        story.add(story.redeem(), .redeemed(story.id(), replayed: false))
        story.fault(.flushAll, mayLoseSince: before)
        story.redeemed()
        #expect(story.rules == [])
    }

    @Test func redemptionsBeforeTheEndOfASession() {
        var story = Story()
        story.redeemed()
        story.add(.revoke(session: Story.ada), .done)
        story.add(story.redeem(key: 2), .refused("session_revoked"))
        #expect(story.rules == [])
    }

    @Test func aLoginBesideTheEndOfAllSessionsIsNotMeant() {
        var story = Story()
        story.add(.revokeAll(user: Story.ada), .done)
        story.history.sessions.append(History.Session(user: Story.ada, known: story.now))
        let id = story.id()
        story.add(story.redeem(session: 2), .redeemed(id, replayed: false))
        story.store(id)
        #expect(story.rules == [])
    }

    @Test func aRefreshRepeatedHasOneSuccessor() {
        var story = Story()
        story.add(.refresh(session: 0, token: 1), .token(2))
        story.add(.refresh(session: 0, token: 1), .token(2))
        story.add(.refresh(session: 0, token: 2), .token(3))
        story.add(.refresh(session: 0, token: 1), .refused("refresh_token_reused"))
        #expect(story.rules == [])
    }

    @Test func operatorsWithoutAnAnswer() {
        var story = Story()
        story.operate(.restock(coupon: Story.coupon, amount: 3), number: 2, .unknown("connection_lost"))
        story.finalState.coupons[Story.coupon] = FinalState.Coupon(total: 8, isPaused: false, left: 8, isPausedInRedis: false)
        story.add(.operate(.grant(user: Story.ada, amount: 7), number: 3), .unknown("connection_lost"))
        #expect(story.rules == [])
    }
}

/// Each rule is broken by a story of its own, and by nothing else in it.
@Suite struct BadHistoryTests {
    @Test(arguments: Violation.Rule.allCases)
    func isCaught(_ rule: Violation.Rule) {
        let story = BadHistoryTests.story(rule)
        // Of what was redeemed too often there cannot be the right number left.
        #expect(Set(story.rules) == (rule == .oversold ? [.oversold, .stock] : [rule]))
    }

    static func story(_ rule: Violation.Rule) -> Story {
        var story = Story()
        switch rule {
        case .lost: story.add(story.redeem(), .redeemed(story.id(), replayed: false))
        case .unasked:
            let id = story.id()
            story.add(story.redeem(), .refused("sold_out"))
            story.store(id)
        case .twice:
            let first = story.id()
            story.add(story.redeem(), .redeemed(first, replayed: false))
            let second = story.id()
            story.add(story.redeem(key: 2), .redeemed(second, replayed: false))
            story.store(first)
            story.store(second)
        case .changedAnswer:
            story.redeemed()
            story.add(story.redeem(), .refused("sold_out"))
        case .phantom: story.add(story.redeem(), .refused("already_redeemed", story.id()))
        case .oversold:
            story = Story(total: 1)
            story.redeemed()
            story.redeemed(Story.ben, key: 2)
        case .stock:
            story.redeemed()
            story.finalState.coupons[Story.coupon]?.left = 5
        case .credit:
            story.redeemed()
            story.finalState.credit[Story.ada] = Credit(available: 100, held: 0)
        case .control:
            story.add(.operate(.restock(coupon: Story.coupon, amount: 3), number: 2), .done)
        case .revoked:
            story.add(.revoke(session: Story.ada), .done)
            story.redeemed()
        case .refresh:
            story.add(.refresh(session: 0, token: 1), .token(2))
            story.add(.refresh(session: 0, token: 2), .token(3))
            story.add(.refresh(session: 0, token: 1), .token(2))
        case .cursor:
            for id in [5, 4] as [UInt64] {
                let cursor = Cursor(epoch: Epoch(1), lastID: StreamID(milliseconds: id, sequence: 0))
                story.history.cursors.append(CursorSighting(seen: story.now, cursor: cursor))
            }
        case .quarantine: story.finalState.quarantine = [(id: story.id(), reason: "no such user")]
        case .drift: story.finalState.drift = ["4. a user has another id"]
        case .unproven:
            story.fault(.serverKill)
            story.history.faults[0].proof = nil
        case .exit:
            story.fault(.serverTerm)
            story.history.faults[0].complaint = "exited with 1"
        case .closed:
            story.fault(.redisKill)
            story.history.faults[0].secondsToOpen = nil
        }
        return story
    }

    // MARK: The same rules from another side

    @Test func lostBeforeTheTimeThatAFaultMayLose() {
        var story = Story()
        story.add(story.redeem(), .redeemed(story.id(), replayed: false))
        story.fault(.flushAll, mayLoseSince: story.now)
        #expect(story.rules == [.lost])
    }

    /// Where every answer waits for Postgres, what a fault takes with it was not acknowledged.
    @Test func nothingAcknowledgedMayBeLostWhereTheLedgerIsWaitedFor() {
        var story = Story()
        let began = story.now
        story.add(story.redeem(), .redeemed(story.id(), replayed: false))
        story.fault(.flushAll, mayLoseSince: began)
        #expect(story.rules == [])
        #expect(Checker(story.history, story.finalState, mode: .ledger).violations().map(\.rule) == [.lost])
    }

    @Test(arguments: zip(Durability.allCases, [false, false, true, true]))
    func whatAReplicaTakesOverHasWhatItAcknowledged(mode: Durability, isBroken: Bool) {
        var story = Story()
        let began = story.now
        story.add(story.redeem(), .redeemed(story.id(), replayed: false))
        story.fault(.redisFailover, mayLoseSince: began)
        let rules = Checker(story.history, story.finalState, mode: mode).violations().map(\.rule)
        #expect(rules == (isBroken ? [.lost] : []))
    }

    /// Whatever the mode, an older Postgres lacks what it had since; Redis has it, so it is in quarantine.
    @Test(arguments: Durability.allCases) func whatAnOlderPostgresLacksIsInQuarantine(mode: Durability) {
        var story = Story()
        let began = story.now
        let id = story.id()
        story.add(story.redeem(), .redeemed(id, replayed: false))
        story.fault(.postgresOlder, mayLoseSince: began)
        let rules = { (story: Story) in Checker(story.history, story.finalState, mode: mode).violations().map(\.rule) }
        #expect(rules(story) == [.lost])
        var decidable = story
        decidable.finalState.quarantine = [(id: id, reason: "only Redis had it")]
        #expect(rules(decidable) == [])
        story.fault(.flushAll, mayLoseSince: began)
        #expect(rules(story) == [], "Redis may have lost it too")
    }

    @Test(arguments: zip(0...2, [[Violation.Rule.cursor], [], [.cursor]]))
    func theCursorGoesBackWithAnOlderPostgresOnly(sightingsBefore: Int, rules: [Violation.Rule]) {
        var story = Story()
        for place in 0...2 {
            if place == sightingsBefore { story.fault(.postgresOlder, mayLoseSince: story.now) }
            guard place < 2 else { break }
            let cursor = Cursor(epoch: Epoch(2 - place), lastID: .zero)
            story.history.cursors.append(CursorSighting(seen: story.now, cursor: cursor))
            story.wait(milliseconds: 10)
        }
        #expect(story.rules == rules)
    }

    @Test func storedBeforeAnybodyAsked() {
        var story = Story()
        let id = story.id(after: -5)
        story.add(story.redeem(), .unknown("timeout"))
        story.store(id)
        #expect(story.rules == [.unasked])
    }

    @Test func theSameKeyGetsAnotherRedemption() {
        var story = Story()
        let first = story.redeemed()
        story.add(story.redeem(), .redeemed(story.id(), replayed: true))
        #expect(Set(story.rules) == [.changedAnswer, .lost, .twice])
        #expect(story.history.attempts.contains { $0.outcome == .redeemed(first, replayed: false) })
    }

    @Test func anotherUsersRedemptionIsAnswered() {
        var story = Story()
        let id = story.redeemed()
        story.add(story.redeem(Story.ben, key: 2), .redeemed(id, replayed: true))
        #expect(story.rules == [.changedAnswer])
    }

    @Test func decidedAfterTheEndThoughAskedBefore() {
        var story = Story()
        let asked = story.now
        story.add(.revoke(session: Story.ada), .done)
        let id = RedemptionID(uuid: UUIDv7(milliseconds: UInt64(story.now.milliseconds)))
        story.history.attempts.append(
            Attempt(story.redeem(), started: asked, ended: story.now, .redeemed(id, replayed: false))
        )
        story.store(id)
        #expect(story.rules == [.revoked])
    }

    @Test func twoSuccessors() {
        var story = Story()
        story.add(.refresh(session: 0, token: 1), .token(2))
        story.add(.refresh(session: 0, token: 1), .token(3))
        #expect(story.rules == [.refresh])
    }

    @Test func redeemedMoreThanWasGranted() {
        var story = Story()
        story.history.credit = 5
        // Not loaded in Redis, so Postgres alone tells.
        story.finalState.credit = [:]
        story.redeemed()
        #expect(story.rules == [.credit])
    }

    @Test func stillHeld() {
        var story = Story()
        story.redeemed()
        story.finalState.credit[Story.ada] = Credit(available: 90, held: 10)
        #expect(story.rules == [.credit])
    }

    @Test func anOperationThatWasRefused() {
        var story = Story()
        story.operate(.grant(user: Story.ada, amount: 7), number: 2, .refused("server_error"))
        story.finalState.grants = [FinalState.Grant(operation: 2, user: Story.ada, amount: 7)]
        story.finalState.credit[Story.ada] = Credit(available: 107, held: 0)
        #expect(story.rules == [.control])
    }

    @Test func aCouponOfAnotherStateInRedis() {
        var story = Story()
        story.finalState.coupons[Story.coupon]?.isPaused = true
        #expect(story.rules == [.control])
    }

    @Test func theEpochWentBack() {
        var story = Story()
        for epoch in [2, 1] {
            let cursor = Cursor(epoch: Epoch(epoch), lastID: .zero)
            story.history.cursors.append(CursorSighting(seen: story.now, cursor: cursor))
        }
        #expect(story.rules == [.cursor])
    }

    @Test func theOutboxIsNotDrained() {
        var story = Story()
        story.finalState.undrained = 1
        #expect(story.rules == [.drift])
    }
}

@Suite struct WindowTests {
    @Test func showsWhatHasToDoWithItAndNothingElse() {
        var story = Story()
        story.redeemed(Story.ben, key: 7)
        story.add(story.redeem(key: 8), .redeemed(story.id(), replayed: false))
        story.fault(.syncKill)
        story.add(story.redeem(key: 8), .refused("shard_closed"))
        let violations = Checker(story.history, story.finalState).violations()
        #expect(violations.map(\.rule) == [.lost])
        let lines = Window(violations[0], in: story.history).description.split(separator: "\n").map(String.init)
        #expect(lines.count == 4)
        #expect(lines[1].contains("redeem user 0 coupon 0 key 8 session 0 → accepted"))
        #expect(lines[2].contains("fault sync-kill: proven"))
        #expect(lines[3].contains("shard_closed"))
    }

    @Test func aLongOneIsCutInTheMiddle() {
        var story = Story()
        for _ in 0..<100 { story.add(story.redeem(), .unknown("timeout")) }
        story.add(story.redeem(), .redeemed(story.id(), replayed: false))
        let violations = Checker(story.history, story.finalState).violations()
        let lines = Window(violations[0], in: story.history).description.split(separator: "\n")
        #expect(lines.count == 42)
        #expect(lines.contains { $0.contains("61 more") })
    }
}
