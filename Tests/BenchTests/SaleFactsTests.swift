import Testing

@testable import redeem

@Suite struct SaleFactsTests {
    private func broken(_ facts: SaleFacts) -> [String] { facts.checks.filter { $0.holds == false }.map(\.promise) }

    private func facts(
        accepted: Int,
        asked: Int = 1000,
        stock: Int = 400,
        left: Int,
        rows: Int,
        twice: Int = 0,
        before: Int = 0,
        undecided: Int = 0,
        failed: Int = 0
    ) -> SaleFacts {
        SaleFacts(
            answers: SaleAnswers.Summary(
                asked: asked,
                accepted: accepted,
                acceptedTwice: twice,
                before: before,
                undecided: undecided,
                failed: failed
            ),
            leftBefore: stock,
            leftAfter: left,
            rows: SaleFacts.Rows(before: 0, after: rows, users: rows)
        )
    }

    @Test func aSaleThatIsSoldOutKeepsItsPromises() {
        #expect(broken(facts(accepted: 400, left: 0, rows: 400)) == [])
        #expect(broken(facts(accepted: 1000, stock: 5000, left: 4000, rows: 1000)) == [])
        #expect(broken(facts(accepted: 0, stock: 0, left: 0, rows: 0)) == [])
    }

    @Test func oneTooManyIsFoundInEachPlace() {
        #expect(broken(facts(accepted: 401, left: 0, rows: 400)).contains("successes = min(stock, users)"))
        #expect(broken(facts(accepted: 399, left: 0, rows: 400)).contains("successes = min(stock, users)"))
        #expect(broken(facts(accepted: 400, left: 1, rows: 400)) == ["stock taken = successes"])
        #expect(broken(facts(accepted: 400, left: 0, rows: 401)) == ["rows in Postgres = successes"])
        #expect(broken(facts(accepted: 400, left: 0, rows: 399)) == ["rows in Postgres = successes"])
        #expect(broken(facts(accepted: 400, left: 0, rows: 400, twice: 1)) == ["no user twice"])
        var twice = facts(accepted: 400, left: 0, rows: 400)
        twice.rows?.users = 399
        #expect(broken(twice) == ["no user twice"])
    }

    @Test func usersWhoHadRedeemedBeforeDoNotCount() {
        #expect(broken(facts(accepted: 100, asked: 150, left: 300, rows: 100, before: 50)) == [])
        #expect(broken(facts(accepted: 99, asked: 150, left: 301, rows: 99, before: 50)) == ["successes = min(stock, users)"])
    }

    @Test func anUnknownOutcomeLeavesRoomForOneEitherWay() {
        for hidden in 0...2 {
            let found = facts(accepted: 998, stock: 5000, left: 5000 - 998 - hidden, rows: 998 + hidden, undecided: 2)
            #expect(broken(found) == [], "\(hidden)")
        }
        #expect(
            broken(facts(accepted: 998, stock: 5000, left: 4001, rows: 1001, undecided: 2)) == ["rows in Postgres = successes"]
        )
        #expect(
            broken(facts(accepted: 997, stock: 5000, left: 4003, rows: 997, undecided: 2)) == ["successes = min(stock, users)"]
        )
        #expect(broken(facts(accepted: 997, stock: 5000, left: 4003, rows: 997, undecided: 2, failed: 1)) == [])
    }

    @Test func theMarksTellWhatBecameOfEachUser() {
        let answers = SaleAnswers(users: 8)
        for user in 0..<7 { answers.mark(user, .asked) }
        answers.mark(0, .accepted)
        answers.mark(1, .accepted)
        answers.mark(1, .accepted)
        answers.mark(2, .soldOut)
        answers.mark(3, .already)
        answers.mark(4, .unknown)
        answers.mark(4, .already)
        answers.mark(5, .failed)
        answers.mark(6, .unknown)
        answers.mark(6, .accepted)
        let expected = SaleAnswers.Summary(asked: 7, accepted: 3, acceptedTwice: 1, before: 1, undecided: 1, failed: 1)
        #expect(answers.summary == expected)
    }
}
