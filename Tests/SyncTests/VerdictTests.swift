import Domain
@testable import HotPath
import RedisClient
import Testing

@testable import Sync

@Suite struct VerdictTests {
    private let cursor = Cursor(epoch: Epoch(3), lastID: StreamID(milliseconds: 100, sequence: 2))

    private func found(
        _ cursor: Cursor?,
        layout: ShardLayout = .current,
        epoch: Int? = 3,
        control: Int? = 7,
        controlMark: Int? = 70,
        mark: Int? = 70,
        last: StreamID = StreamID(milliseconds: 100, sequence: 2),
        settled: StreamID? = nil,
        begun: Int? = 3,
        home: ShardHome? = nil,
        host: ShardHost? = nil
    ) -> ShardComparison {
        let status = ShardStatus(
            layout: layout,
            epoch: epoch.map(Epoch.init),
            control: control,
            controlMark: controlMark,
            settled: settled,
            begunEpoch: begun.map(Epoch.init),
            outboxLastID: last,
            outboxLength: 0,
            scriptsLoaded: true,
            redis: ReplicationID("r"),
            home: home,
            host: host
        )
        return ShardComparison(cursor: cursor, status: status, mark: mark)
    }

    @Test func redisAtOrAheadOfTheCursorIsSound() {
        for sound in [
            found(cursor), found(cursor, last: StreamID(milliseconds: 101, sequence: 0)), found(cursor, control: 0, mark: nil),
            found(cursor, controlMark: nil), found(cursor, settled: cursor.lastID),
        ] {
            #expect(sound.verdict == .sound(cursor))
            #expect(!sound.postgresWentBack)
        }
    }

    @Test func whatCannotBeTrustedIsRebuilt() {
        #expect(found(nil).verdict == .rebuild(.firstStart))
        #expect(found(cursor, epoch: nil).verdict == .rebuild(.shardMissing))
        #expect(found(cursor, control: nil).verdict == .rebuild(.shardMissing))
        #expect(found(cursor, layout: .none, epoch: nil).verdict == .rebuild(.shardMissing))
        #expect(found(cursor, layout: .earlier, epoch: nil).verdict == .rebuild(.layoutChanged))
        // A worker of an earlier version was here, or is at work.
        #expect(found(cursor, layout: .earlier).verdict == .rebuild(.layoutChanged))
        #expect(found(cursor, layout: .none).verdict == .rebuild(.layoutChanged))
        #expect(found(cursor, epoch: 2).verdict == .rebuild(.otherEpoch))
        #expect(found(cursor, epoch: 4).verdict == .rebuild(.otherEpoch))
        #expect(found(cursor, last: StreamID(milliseconds: 100, sequence: 1)).verdict == .rebuild(.behindCursor))
        #expect(found(cursor, last: .zero).verdict == .rebuild(.behindCursor))
        #expect(found(cursor, mark: nil).verdict == .rebuild(.aheadOfControl))
        #expect(found(cursor, mark: 71).verdict == .rebuild(.controlDiffers))
    }

    @Test func onlyAHistoryThatGoesOnIsSoundInACluster() {
        let home = ShardHome(node: "a", epoch: 7, history: "1")
        let restarted = ShardHost(id: "a", epoch: 7, histories: ["2"])
        let promoted = ShardHost(id: "b", epoch: 8, histories: ["2", "1"])
        let again = ShardHost(id: "a", epoch: 9, histories: ["1"])
        #expect(found(cursor, home: home, host: restarted).verdict == .sound(cursor))
        #expect(found(cursor, home: home, host: promoted).verdict == .sound(cursor))
        for other in [["2"], ["2", "3"]].map({ ShardHost(id: "b", epoch: 8, histories: $0) }) {
            #expect(found(cursor, home: home, host: other).verdict == .rebuild(.moved))
        }
        #expect(found(cursor, home: home, host: again).verdict == .rebuild(.moved), "the slot was away meanwhile")
        #expect(found(cursor, home: nil, host: restarted).verdict == .rebuild(.moved))
        // Elsewhere nobody writes down where it is.
        #expect(found(cursor, home: home, host: nil).verdict == .sound(cursor))
        // What is missing is told first.
        #expect(found(cursor, epoch: nil, home: nil, host: promoted).verdict == .rebuild(.shardMissing))
    }

    @Test func aPostgresThatWentBackIsTold() {
        let beyond = StreamID(milliseconds: 100, sequence: 3)
        let settled = found(cursor, last: beyond, settled: beyond)
        #expect(settled.hasSettledBeyondTheCursor)
        // All that operators did is there, so nothing has to be given to others.
        #expect(settled.verdict == .sound(cursor))
        for sign in [
            settled, found(cursor, mark: nil), found(cursor, mark: 71), found(cursor, epoch: 4),
            found(cursor, epoch: nil, control: nil, begun: 4), found(nil), found(nil, epoch: nil, control: nil),
        ] {
            #expect(sign.postgresWentBack)
            for reason in RebuildReason.allCases { #expect(sign.mayHaveMoreThanPostgres(reason)) }
        }
        #expect(!found(nil, epoch: nil, control: nil, begun: nil).postgresWentBack)
        // Redis is the one that went back: what it has settled had landed, whatever the epoch.
        let behind = found(cursor, last: .zero, settled: .zero)
        #expect(!behind.postgresWentBack)
        for reason in RebuildReason.allCases { #expect(behind.mayHaveMoreThanPostgres(reason) == (reason != .behindCursor)) }
        // Of an earlier epoch the ids say nothing.
        #expect(!found(cursor, epoch: 2, settled: beyond).postgresWentBack)
    }

    @Test func sessionsOfAnotherTimeAreTold() {
        #expect(found(cursor).hasSessionsOfAnotherTime(.behindCursor))
        #expect(found(cursor, epoch: 2).hasSessionsOfAnotherTime(.otherEpoch))
        // Somebody deleted the record, or a rebuild of this epoch did not finish.
        #expect(!found(cursor, epoch: nil, control: nil).hasSessionsOfAnotherTime(.shardMissing))
        #expect(found(cursor, epoch: nil, control: nil, begun: 2).hasSessionsOfAnotherTime(.shardMissing))
        #expect(found(cursor, epoch: nil, control: nil, begun: nil).hasSessionsOfAnotherTime(.shardMissing))
        // The same of an earlier version's, whose record is not read.
        #expect(!found(cursor, layout: .earlier, epoch: nil, control: nil).hasSessionsOfAnotherTime(.layoutChanged))
        #expect(found(cursor, layout: .earlier, epoch: nil, control: nil, begun: 2).hasSessionsOfAnotherTime(.layoutChanged))
        #expect(found(cursor, layout: .earlier, epoch: nil, control: nil, last: .zero).hasSessionsOfAnotherTime(.layoutChanged))
        for reason in RebuildReason.allCases where ![.behindCursor, .shardMissing].contains(reason) {
            #expect(!found(cursor).hasSessionsOfAnotherTime(reason))
            // Postgres has forgotten credentials that sessions began with.
            #expect(found(cursor, mark: nil).hasSessionsOfAnotherTime(reason))
            #expect(found(cursor, mark: 71).hasSessionsOfAnotherTime(reason))
        }
        // What Postgres lacks is redemptions alone.
        let beyond = StreamID(milliseconds: 100, sequence: 3)
        #expect(!found(cursor, last: beyond, settled: beyond).hasSessionsOfAnotherTime(.operatorAsked))
    }
}
