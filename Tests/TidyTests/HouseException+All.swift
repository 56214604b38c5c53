extension HouseException {
    static let all: [HouseException] = ofNames + ofSwitches + ofSleeps + ofTexts

    private static let ofNames = [
        HouseException(.fileName, "Package.swift", "SwiftPM wants this name"),
        HouseException(.fileName, "Identifiers.swift", "ids of several kinds, each of a few lines"),
        HouseException(.fileName, "ReplyCodes.swift", "the codes of several scripts"),
        HouseException(.fileName, "FlaskRows.swift", "rows of several tables"),
        HouseException(.fileName, "StagedRows.swift", "rows of several tables"),
        HouseException(.fileName, "MetricCells.swift", "cells of several kinds"),
        HouseException(.fileName, "Keys+ConfigReader.swift", "settings of several types"),
        HouseException(.fileName, "Server+ConfigReader.swift", "settings of several types"),
        HouseException(.fileName, "Stores+ConfigReader.swift", "settings of several types"),
        HouseException(.fileName, "StoreErrors+Remedy.swift", "errors of both stores"),
        HouseException(.fileName, "Server+build.swift", "the target Server"),
        HouseException(.fileName, "Server+worker.swift", "the target Server"),
        HouseException(.fileName, "CheckerTests.swift", "several suites of Checker"),
        HouseException(.fileName, "HotRouteFixture.swift", "the Fixture of several suites"),
        HouseException(.fileName, "TestServers.swift", "a function for each kind of server"),
    ]

    private static let ofSwitches = [
        HouseException(.wholeSwitch, "PostgresValue.swift", count: 2, "types of Postgres are OIDs: there are always more"),
        HouseException(.wholeSwitch, "ProblemMiddleware.swift", "HTTPResponse.Status is another library's"),
        HouseException(.wholeSwitch, "DurabilityGuard.swift", "RedisError.Code is no enum, so that it may get more"),
        HouseException(.wholeSwitch, "RedemptionAnswer.swift", "RedisError.Code is no enum, so that it may get more"),
        HouseException(.wholeSwitch, "HotConnection+Ending.swift", "HTTPParserError is NIO's"),
        HouseException(.wholeSwitch, "CouponSlug.swift", "a pattern of characters"),
    ]

    private static let ofSleeps = [
        HouseException(.noSleep, "Until.swift", "waits for a condition, which is what tests are to use"),
        HouseException(.noSleep, "RawClient.swift", count: 2, "waits for what a socket takes or gives, with a limit"),
        HouseException(.noSleep, "ArmourTests.swift", count: 2, "the pace of clients; what is waited for has a limit"),
        HouseException(.noSleep, "RedeemProcess.swift", "the limit of all that waits for a process"),
        HouseException(.noSleep, "ConnectionStorm.swift", "the pace of the storm"),
        HouseException(.noSleep, "OpenFilesTests.swift", "the pace of probes"),
        HouseException(.noSleep, "RedisFaultTests.swift", "the pace of what holds Redis up"),
        HouseException(.noSleep, "ReconcileUnderLoadTests.swift", "the pace of the operator"),
        HouseException(.noSleep, "CarelessWorker.swift", "the pace of the worker"),
        HouseException(.noSleep, "MutantTests.swift", count: 6, "how long a load lasts; more of it where it found nothing"),
        HouseException(.noSleep, "OwnerTests.swift", "stands still until a flag is set"),
        HouseException(.noSleep, "FaultProxyTests.swift", "pieces are to arrive apart; together they must be right too"),
        HouseException(.noSleep, "SmugglingTests.swift", "pieces are to arrive apart; together they must be right too"),
        HouseException(.noSleep, "UnfinishedRequestsTests.swift", "pieces are to arrive apart; together they must be right too"),
        HouseException(
            .noSleep,
            "DedicatedConnectionTests.swift",
            count: 4,
            "nothing tells that a thread waits in poll(2); before it does, the same must hold"
        ),
        HouseException(.noSleep, "HouseRule.swift", "the rule itself"),
        HouseException(.noSleep, "TidyTests.swift", count: 2, "examples"),
    ]

    private static let ofTexts = [
        HouseException(.noSQL, "FinalStateReader.swift", "torture empties the quarantine behind the program's back"),
        HouseException(.plainWords, "0002_credentials.sql", "a migration that was applied is never changed"),
        HouseException(.plainWords, "0004_imports.sql", "a migration that was applied is never changed"),
        HouseException(.plainWords, "0008_quarantine_once.sql", "a migration that was applied is never changed"),
        HouseException(.plainWords, "HouseRule.swift", "the rule itself"),
        HouseException(.plainWords, "TidyTests.swift", "examples"),
        HouseException(.noRegistry, "HouseRule.swift", "the rule itself"),
        HouseException(.noRegistry, "TidyTests.swift", "an example"),
        HouseException(.noMachine, "try-deb", count: 2, "in a Debian of its own"),
        HouseException(.noMachine, "HouseRule.swift", "the rule itself"),
        HouseException(.noMachine, "TidyTests.swift", "examples"),
    ]
}
