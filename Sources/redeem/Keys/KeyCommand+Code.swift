internal import ArgumentParser
internal import Credentials
internal import Domain
internal import Foundation
internal import Persistence
internal import PostgresClient
internal import Terminal

extension KeyCommand {
    struct ReplaceCode: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "replace-code",
            abstract: "Make REDEEM_CODE_KEY the key of hidden codes, and give every coupon a code under it.",
            discussion: """
                Use it when the code key has leaked or is lost. Codes are stored as digests under the key, so each coupon that has not \
                ended needs its code again, and after a leak a new one: the control log keeps digests of the old ones. \
                Codes are read as lines of a coupon's id, a comma and the code, which is all that follows:

                  summer,SUMMER-2031
                  winter,WINTER-2031

                  REDEEM_CODE_KEY=NEW redeem key replace-code --codes codes.txt

                It is one transaction: the digests, the id of the key, and the order to rebuild each shard from Postgres, which a \
                `redeem sync` carries out within a moment. Coupons that have ended and are not in the file get no code. \
                Servers with the old key end within seconds; start them with the new one. Refresh tokens end with the old key, so \
                everybody logs in again once their access token has expired.

                Without --codes nothing changes: it tells which coupons need a code.
                """
        )

        @Option(help: "The file with the codes; - is standard input.", completion: .file())
        var codes: String?

        @Flag(help: "Do not ask.")
        var yes = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let key = try ServiceKey.code(stores.settings.reader)
                guard let file = codes else { return try await Self.tellWhatIsNeeded(stores) }
                let codes = try CodeLines(file: file).codes
                try Confirmation(yes: yes, "replace-code").ask("Replace the codes of \(codes.count) coupons, and rebuild Redis?")
                let digests = codes.mapValues { CodeDigester(key: key).digest(of: $0) }
                do {
                    let done = try await stores.postgres.withConnection {
                        try $0.replaceCodeKey(
                            id: key.codeKeyID,
                            digests: digests,
                            shards: ShardMap().shards,
                            actor: Actor.commandLine
                        )
                    }
                    print(
                        """
                        recorded \(key.codeKeyID) as the code key; \(done.replaced) coupons have new codes, \(done.ended) that have \
                        ended have none
                        the sync worker rebuilds Redis with them (entry \(done.entry) of the control log); now start the servers with \
                        this key
                        """
                    )
                } catch let error as CodeKeyReplacementError {
                    throw Self.refusal(error)
                }
            }
        }

        private static func tellWhatIsNeeded(_ stores: Stores) async throws {
            let needed = try await stores.postgres.withConnection { try $0.couponsThatNeedACode() }
            guard needed.isEmpty else { throw refusal(CodeKeyReplacementError.missing(needed)) }
            print("nothing was changed: no coupon needs a code; to replace the key, give --codes an empty file (/dev/null)")
        }

        private static func refusal(_ error: CodeKeyReplacementError) -> any Error {
            switch error {
            case .sameKey:
                UsageError("REDEEM_CODE_KEY is the recorded key already", remedy: "set it to the new one: \(ServiceKey.remedy)")
            case .unknown(let coupons):
                Refusal("nothing was changed: there is no coupon \(list(coupons))")
            case .missing(let coupons):
                UsageError(
                    "nothing was changed: \(coupons.count) coupons that have not ended need a code: \(list(coupons))",
                    remedy: "give --codes FILE with lines of COUPON,CODE"
                )
            }
        }

        private static func list(_ coupons: [CouponID]) -> String {
            let first = coupons.prefix(20).map { "'\($0)'" }.joined(separator: ", ")
            return coupons.count > 20 ? "\(first) and \(coupons.count - 20) more" : first
        }
    }

    struct AdoptCode: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "adopt-code",
            abstract: "Record REDEEM_CODE_KEY as the code key, proven by the code of a coupon.",
            discussion: """
                Use it if the record is wrong, because the first process to record a key had another one than the servers. No code \
                changes. \
                Example: printf '%s\\n' "$CODE" | redeem key adopt-code summer --code-stdin
                """
        )

        @Argument(help: "A coupon whose code you know.")
        var coupon: String

        @Flag(help: "Read the coupon's hidden code from the first line of standard input.")
        var codeStdin = false

        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await Stores.with(connection) { stores in
                let key = try ServiceKey.code(stores.settings.reader)
                let id = try Input.couponID(coupon)
                let digest = CodeDigester(key: key).digest(of: try Input.hiddenCode(nil, stdin: codeStdin))
                guard let coupon = try await stores.postgres.withConnection({ try $0.coupon(id) }) else {
                    throw Refusal.noCoupon(id)
                }
                guard coupon.codeDigest == digest else {
                    throw Refusal("nothing was recorded: under REDEEM_CODE_KEY this is not the code of '\(id)'")
                }
                try await stores.postgres.withConnection {
                    try $0.recordKey(.code, id: key.codeKeyID, replacing: nil, actor: Actor.commandLine)
                }
                print("recorded \(key.codeKeyID) as the code key")
            }
        }
    }
}

/// A file whose lines are a coupon's id, a comma and its code. Errors name the line and never the code.
private struct CodeLines {
    private(set) var codes: [CouponID: String] = [:]

    init(file: String) throws {
        let data = file == "-" ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
        guard let data else {
            throw UsageError("cannot read '\(file)'", remedy: "give --codes a file of COUPON,CODE lines, or -")
        }
        let text: String
        do {
            text = try UTF8Text.string(UTF8Text.withoutByteOrderMark(Array(data)))
        } catch {
            throw UsageError("'\(file)' \(error.words)", remedy: error.remedy)
        }
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() where !line.isEmpty {
            guard let comma = line.firstIndex(of: ","), let coupon = CouponID(String(line[..<comma])) else {
                throw UsageError("'\(file)', line \(index + 1) is not COUPON,CODE", remedy: "a coupon's id: \(CouponID.rule)")
            }
            let code = try Input.text(
                String(line[line.index(after: comma)...]),
                .hiddenCode,
                "'\(file)', line \(index + 1): the code"
            )
            guard codes.updateValue(code, forKey: coupon) == nil else {
                throw UsageError(
                    "'\(file)', line \(index + 1): '\(coupon)' is there already",
                    remedy: "give each coupon one code"
                )
            }
        }
        guard Set(codes.values).count == codes.count else {
            throw UsageError("'\(file)' has the same code twice", remedy: "codes must differ: one alone finds its coupon")
        }
    }
}
