import Domain
@testable import HotPath
import Testing

@testable import Sync

@Suite struct VerdictTests {
    private let cursor = Cursor(epoch: Epoch(3), lastID: StreamID(milliseconds: 100, sequence: 2))

    private func status(epoch: Int? = 3, control: Int? = 7, last: StreamID = StreamID(milliseconds: 100, sequence: 2))
        -> ShardStatus
    {
        ShardStatus(
            epoch: epoch.map(Epoch.init),
            control: control,
            outboxLastID: last,
            outboxLength: 0,
            scriptsLoaded: true,
            redis: ReplicationID("r")
        )
    }

    @Test func redisAtOrAheadOfTheCursorIsSound() {
        #expect(Verdict.compare(cursor: cursor, control: 7, status: status()) == .sound(cursor))
        #expect(
            Verdict.compare(cursor: cursor, control: 9, status: status(last: StreamID(milliseconds: 101, sequence: 0)))
                == .sound(cursor)
        )
    }

    @Test func whatCannotBeTrustedIsRebuilt() {
        #expect(Verdict.compare(cursor: nil, control: 7, status: status()) == .rebuild(.firstStart))
        #expect(Verdict.compare(cursor: cursor, control: 7, status: status(epoch: nil)) == .rebuild(.shardMissing))
        #expect(Verdict.compare(cursor: cursor, control: 7, status: status(control: nil)) == .rebuild(.shardMissing))
        #expect(Verdict.compare(cursor: cursor, control: 7, status: status(epoch: 2)) == .rebuild(.otherEpoch))
        #expect(Verdict.compare(cursor: cursor, control: 7, status: status(epoch: 4)) == .rebuild(.otherEpoch))
        #expect(
            Verdict.compare(cursor: cursor, control: 7, status: status(last: StreamID(milliseconds: 100, sequence: 1)))
                == .rebuild(.behindCursor)
        )
        #expect(Verdict.compare(cursor: cursor, control: 7, status: status(last: .zero)) == .rebuild(.behindCursor))
        #expect(Verdict.compare(cursor: cursor, control: 6, status: status()) == .rebuild(.aheadOfControl))
    }

    @Test func anEarlierRedisIsTold() {
        func tells(_ reason: RebuildReason, epoch: Int? = 3, begun: Int? = 3) -> Bool {
            var status = status(epoch: epoch)
            status.begunEpoch = begun.map(Epoch.init)
            return reason.tellsOfAnEarlierRedis(cursor: cursor, status: status)
        }
        #expect(tells(.behindCursor))
        #expect(tells(.otherEpoch, epoch: 2))
        #expect(!tells(.otherEpoch, epoch: 4), "Postgres is the one that went back")
        // Somebody deleted the record, or a rebuild of this epoch did not finish.
        #expect(!tells(.shardMissing, epoch: nil))
        #expect(tells(.shardMissing, epoch: nil, begun: 2))
        #expect(tells(.shardMissing, epoch: nil, begun: nil))
        for reason in [RebuildReason.firstStart, .aheadOfControl, .controlRefused, .couponMissing] { #expect(!tells(reason)) }
    }

    @Test func pausesDoubleUpToTheLimit() {
        var backoff = Backoff(first: .milliseconds(50), limit: .milliseconds(180))
        #expect((0..<4).map { _ in backoff.next() } == [50, 100, 180, 180].map { .milliseconds($0) })
        backoff.reset()
        #expect(backoff.next() == .milliseconds(50))
    }
}
