import Domain
import Testing

@testable import Torture

@Suite struct FaultScheduleTests {
    @Test func theSameSeedMakesTheSameFaults() {
        func steps(_ seed: UInt64) -> [FaultSchedule.Step] {
            var schedule = FaultSchedule(Fault.allCases, times: .long, seed: seed)
            return (0..<100).map { _ in schedule.next() }
        }
        #expect(steps(1) == steps(1))
        #expect(steps(1) != steps(2))
    }

    @Test func allComeOnceBeforeOneComesAgain() {
        var schedule = FaultSchedule(Fault.allCases, times: .short, seed: 3)
        for _ in 0..<2 {
            let round = (0..<Fault.allCases.count).map { _ in schedule.next().faults }
            #expect(Set(round.joined()) == Set(Fault.allCases))
            #expect(round.allSatisfy { $0.count == 1 })
        }
    }

    @Test func twoAtOnceBefallDifferentParts() {
        var schedule = FaultSchedule(Fault.allCases, times: .long, seed: 4)
        let doubles = (0..<500).map { _ in schedule.next().faults }.filter { $0.count == 2 }
        #expect(doubles.count > 50)
        #expect(doubles.allSatisfy { $0[0].part != $0[1].part })
    }

    @Test func whatAModeAllowsAFaultToLose() {
        #expect(Fault.redisKill.permittedLoss(.local) == .nothing)
        #expect(Fault.redisKill.permittedLoss(.relaxed) == .lastSeconds(2))
        #expect(Fault.redisFailover.permittedLoss(.local) == .lastSeconds(2))
        #expect(Fault.redisFailoverBehind.permittedLoss(.local) == .unlanded)
        #expect(Fault.replicaKill.permittedLoss(.local) == .nothing)
        for mode in Durability.allCases {
            #expect(Fault.flushAll.permittedLoss(mode) == .unlanded)
            #expect(Fault.syncKill.permittedLoss(mode) == .nothing)
        }
        let (landed, gone) = (Moment(microseconds: 1_000_000), Moment(microseconds: 9_000_000))
        #expect(Fault.flushAll.loss(.local, landed: landed, until: gone) == Loss(from: landed, until: gone))
        #expect(Fault.redisKill.loss(.local, landed: landed, until: gone) == nil)
        #expect(Fault.redisKill.loss(.relaxed, landed: landed, until: gone)?.from == Moment(microseconds: 7_000_000))
    }

    @Test func eachFaultHasWordsOfItsOwn() {
        #expect(Set(Fault.allCases.map(\.text)).count == Fault.allCases.count)
    }
}
