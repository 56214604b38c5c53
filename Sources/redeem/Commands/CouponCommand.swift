internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Terminal

struct CouponCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coupon",
        abstract: "Create, show, pause, resume and restock coupons.",
        subcommands: [Create.self, List.self, Show.self, Pause.self, Resume.self, Restock.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create a coupon. It can be redeemed as soon as the sync worker has told Redis.",
            discussion: "Example: redeem coupon create summer --price 5 --total 1000 --code SUMMER-5 --ends 2030-09-01T00:00:00Z"
        )

        @Argument(help: "The coupon's id: \(CouponID.rule).")
        var id: String

        @Option(help: "The name to show. Default: the id.")
        var name: String?

        @Option(parsing: .unconditional, help: "Credit that one redemption costs, from 0.")
        var price: Int

        @Option(parsing: .unconditional, help: "How often it can be redeemed in all.")
        var total: Int

        @Option(
            help:
                "The hidden code, at most \(Limits.codeBytes) bytes. Other users of this machine can see it in the process list; --code-stdin avoids that."
        )
        var code: String?

        @Flag(help: "Read the hidden code from the first line of standard input.")
        var codeStdin = false

        @Option(help: "First moment of the sale, as 2030-06-01T10:00:00Z.")
        var starts: String?

        @Option(help: "First moment after the sale.")
        var ends: String?

        @Flag(help: "Print the coupon as JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let digester = CodeDigester(key: try ServiceKey.code(stores.settings.reader))
                let coupon = Coupon(
                    id: try Input.couponID(id),
                    name: try Input.name(name ?? id),
                    codeDigest: digester.digest(of: try Input.hiddenCode(code, stdin: codeStdin)),
                    price: try Input.amount(price, "--price"),
                    total: try Input.amount(total, "--total"),
                    startsAt: try starts.map { try Input.moment($0, "--starts") },
                    endsAt: try ends.map { try Input.moment($0, "--ends") }
                )
                if let starts = coupon.startsAt, let ends = coupon.endsAt, starts >= ends {
                    throw UsageError(
                        "--ends '\(self.ends ?? "")' is not after --starts '\(self.starts ?? "")'",
                        remedy: "give a later end"
                    )
                }
                do {
                    let created = try await stores.postgres.withConnection {
                        try $0.createCoupon(coupon, codeKey: digester.keyID, actor: Actor.commandLine)
                    }
                    try CouponView.print([created], json: json)
                    Output.recorded()
                } catch let error as PostgresError where error.isUniqueViolation {
                    throw Refusal(
                        error.constraint?.contains("code") == true
                            ? "another coupon has this hidden code; codes must differ"
                            : "there is a coupon '\(id)' already; see: redeem coupon show \(id)"
                    )
                }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all coupons.")

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                try CouponView.print(try await stores.postgres.withConnection { try $0.allCoupons() }, json: json)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one coupon.")

        @OptionGroup var coupon: NamedCoupon

        func run() async throws {
            try await coupon.print { try $0.coupon($1) }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop redemptions of a coupon until it is resumed.",
            discussion: ControlNote.text
        )

        @OptionGroup var coupon: NamedCoupon

        func run() async throws {
            try await coupon.change { try $0.setCouponState($1, .paused, actor: Actor.commandLine) }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused coupon be redeemed again.",
            discussion: ControlNote.text
        )

        @OptionGroup var coupon: NamedCoupon

        func run() async throws {
            try await coupon.change { try $0.setCouponState($1, .active, actor: Actor.commandLine) }
        }
    }

    struct Restock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add to a coupon's total.",
            discussion: ControlNote.text
        )

        @OptionGroup var coupon: NamedCoupon

        @Option(parsing: .unconditional, help: "How many uses to add, at least 1.")
        var by: Int

        func run() async throws {
            try await coupon.change { [by] connection, id in
                let amount = try Input.amount(by, "--by", least: 1)
                do {
                    return try connection.restockCoupon(id, by: amount, actor: Actor.commandLine)
                } catch let error as PostgresError where error.isCheckViolation {
                    throw UsageError(
                        "--by \(amount) would bring the total above \(Limits.amount)",
                        remedy: "give a smaller number"
                    )
                }
            }
        }
    }
}

private enum ControlNote {
    static let text = """
        Redis need not be in reach: the change is recorded in Postgres, and takes effect as soon as the sync worker has told Redis.
        """
}

/// The coupon that a command names.
struct NamedCoupon: ParsableArguments {
    @Argument(help: "The coupon's id.")
    var id: String

    @Flag(help: "Print the coupon as JSON.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    /// Changes the coupon. Redis hears of it by the control log.
    func change(_ body: @escaping @Sendable (PostgresConnection, CouponID) throws -> Coupon?) async throws {
        try await print(body)
        Output.recorded()
    }

    /// Does something with the coupon, and prints it afterwards.
    func print(_ body: @escaping @Sendable (PostgresConnection, CouponID) throws -> Coupon?) async throws {
        try await Stores.with(connection) { stores in
            let id = try Input.couponID(id)
            guard let coupon = try await stores.postgres.withConnection({ try body($0, id) }) else {
                throw Refusal.noCoupon(id)
            }
            try CouponView.print([coupon], json: json)
        }
    }
}

/// A coupon as the command line shows it. Redemptions that are not yet in Postgres are not counted.
private struct CouponView: Encodable {
    let id: String
    let name: String
    let state: String
    let price: Int
    let total: Int
    let redeemed: Int
    let starts_at: String?
    let ends_at: String?

    init(_ coupon: Coupon) {
        id = coupon.id.description
        name = coupon.name
        state = coupon.state.rawValue
        price = coupon.price
        total = coupon.total
        redeemed = coupon.redeemed
        starts_at = coupon.startsAt.map(\.text)
        ends_at = coupon.endsAt.map(\.text)
    }

    static func print(_ coupons: [Coupon], json: Bool) throws {
        let views = coupons.map(CouponView.init)
        guard !json else { return try Output.json(views) }
        Output.table(
            ["ID", "NAME", "STATE", "PRICE", "TOTAL", "REDEEMED", "STARTS", "ENDS"],
            views.map {
                [
                    $0.id, $0.name, $0.state, "\($0.price)", "\($0.total)", "\($0.redeemed)", $0.starts_at ?? "-",
                    $0.ends_at ?? "-",
                ]
            }
        )
    }
}
