internal import ArgumentParser
internal import Domain
internal import Persistence
internal import PostgresClient
internal import Terminal

/// Redemptions that Redis accepted and Postgres could not take.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "List redemptions that could not land in Postgres, land them after all, or give them up.",
        discussion: """
            Redis has accepted the redemptions in quarantine, and their users were told so. `retry` lands one once its obstacle is \
            gone (a coupon restocked, a user put back). `drop` gives one up for good: the user gets the credit back, and the coupon \
            the use.
            """,
        subcommands: [List.self, Retry.self, Drop.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the redemptions in quarantine, the oldest first.")

        @Option(help: "Only redemptions of this shard, such as 0.")
        var shard: Int?

        @Option(help: "Only redemptions whose reason contains this text, in upper or lower case.")
        var reason: String?

        @Option(help: "How many to list at most, from 1 to \(QuarantineCommand.limit).")
        var limit = 50

        @Option(help: "Only redemptions behind this id, for the next page.")
        var after = 0

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                guard (1...QuarantineCommand.limit).contains(limit) else {
                    throw UsageError("--limit \(limit) is out of range", remedy: "use 1 to \(QuarantineCommand.limit)")
                }
                let filter = try filter()
                let entries = try await stores.postgres.withConnection { [after, limit] in
                    try $0.quarantined(filter, after: after, limit: limit + 1)
                }
                try QuarantineView.print(entries.prefix(limit), json: json)
                if entries.count > limit, let last = entries.prefix(limit).last {
                    Output.note("there is more: --after \(last.id)")
                }
            }
        }

        private func filter() throws -> QuarantineFilter {
            if let shard, !(0...Int(Int32.max)).contains(shard) {
                throw UsageError("--shard \(shard) is not a shard", remedy: "use its number, from 0")
            }
            if let reason, reason.isEmpty {
                throw UsageError("--reason is empty", remedy: "give a part of the reason, or leave it away")
            }
            return QuarantineFilter(shard: shard.map { Shard(index: $0) }, reason: reason)
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Land redemptions from quarantine, each by itself. Exit code 1 if one still does not fit.",
            discussion: """
                One transaction stores the redemption, raises the coupon's count and ends the quarantine. A redemption of an \
                earlier epoch cannot land any more: its credit and stock were given out again when the shard was rebuilt.
                """
        )

        @Argument(help: "Ids, as `redeem quarantine list` shows them.")
        var ids: [String] = []

        @Flag(help: "All of them.")
        var all = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                guard ids.isEmpty == all else {
                    throw UsageError(
                        all ? "ids and --all exclude each other" : "which ones?",
                        remedy: "give ids, or --all; `redeem quarantine list` shows them"
                    )
                }
                var left = 0
                if all {
                    var after = 0
                    while true {
                        let page = try await stores.postgres.withConnection { [after] in
                            try $0.quarantined(QuarantineFilter(), after: after, limit: QuarantineCommand.limit)
                        }
                        guard let last = page.last else { break }
                        after = last.id
                        left += try await retry(page.map(\.id), stores)
                    }
                } else {
                    left = try await retry(try ids.map(Input.quarantineID), stores)
                }
                guard left == 0 else { throw ExitCode.failure }
            }
        }

        /// - Returns: how many did not land.
        private func retry(_ ids: [Int], _ stores: Stores) async throws -> Int {
            var left = 0
            for id in ids {
                switch try await stores.postgres.withConnection({ try $0.retryQuarantined(id) }) {
                case .landed(let redemption): Output.text("landed \(id): redemption \(redemption)")
                case .refused(let reason):
                    left += 1
                    Output.text("not landed \(id): \(reason)")
                case .notFound:
                    left += 1
                    Output.note("error: \(QuarantineError.notFound([id])); see: redeem quarantine list")
                }
            }
            return left
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give up redemptions in quarantine, for good: all of the ids or none.",
            discussion: """
                The user was told that the redemption was accepted; tell them that it was not. The control log gives back what \
                Redis took for it: the credit, the use of the coupon, and the right to redeem it again. The row is kept in the \
                table quarantine_drops, with the reason, the moment and the operator.

                Example: redeem quarantine drop 17 --reason "sold twice, refunded by hand, ticket 4711"
                """
        )

        @Argument(help: "Ids, as `redeem quarantine list` shows them.")
        var ids: [String]

        @Option(help: "Why, for those who ask later: at most \(Limits.reasonBytes) bytes.")
        var reason: String

        @Flag(help: "Do not ask.")
        var yes = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let ids = try ids.map(Input.quarantineID)
                let reason = try Input.reason(reason)
                try Confirmation(yes: yes, "drop").ask("Give up \(ids.count) for good?")
                do {
                    let drops = try await stores.postgres.withConnection {
                        try $0.dropQuarantined(ids, reason: reason, actor: Actor.commandLine)
                    }
                    for (id, drop) in drops.sorted(by: { $0.key < $1.key }) {
                        Output.text("dropped \(id): \(Drop.meaning(of: drop))")
                    }
                } catch let error as QuarantineError {
                    throw Refusal("\(error), so nothing was dropped; see: redeem quarantine list")
                }
            }
        }

        private static func meaning(of drop: QuarantineDrop) -> String {
            switch drop {
            case .givenBack(let control):
                "the sync worker gives credit and stock back in Redis (entry \(control) of the control log)"
            case .nothingHeld: "nothing is to be given back in Redis"
            case .rebuildNeeded:
                "Postgres has another redemption of this user and coupon, or this very one; now run: redeem reconcile --repair"
            }
        }
    }

    /// The most redemptions of one page.
    static let limit = 1_000
}

private struct QuarantineView: Encodable {
    let id: Int
    let shard: Int
    let epoch: Int
    let stream_id: String
    let since: String
    let redemption: String?
    let user: String?
    let username: String?
    let coupon: String?
    let price: Int?
    let entry: String?
    let reason: String

    init(_ entry: QuarantinedEntry) {
        id = entry.id
        shard = entry.shard.index
        epoch = entry.epoch.number
        stream_id = entry.streamID.description
        since = entry.since.text
        username = entry.username
        reason = entry.reason
        switch entry.content {
        case .redemption(let content):
            redemption = content.id.description
            user = content.user.description
            coupon = content.coupon.description
            price = content.price
            self.entry = nil
        case .unreadable(let text):
            (redemption, user, coupon, price) = (nil, nil, nil, nil)
            self.entry = text
        }
    }

    static func print(_ entries: some Collection<QuarantinedEntry>, json: Bool) throws {
        let views = entries.map(QuarantineView.init)
        guard !json else { return try Output.json(views) }
        Output.table(
            ["ID", "SHARD", "EPOCH", "SINCE", "USER", "COUPON", "PRICE", "REASON"],
            views.map { view in
                [
                    "\(view.id)", "\(view.shard)", "\(view.epoch)", view.since, view.username ?? view.user ?? "-",
                    view.coupon ?? "-", view.price.map(String.init) ?? "-", view.reason,
                ]
            }
        )
    }
}
