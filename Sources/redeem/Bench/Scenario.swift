internal import ArgumentParser
internal import Terminal

/// The kind of load.
enum Scenario: String, CaseIterable, Codable, Sendable, ExpressibleByArgument {
    /// A flash sale: every user redeems once.
    case redeem
    /// Far more users than stock, who ask again and again.
    case storm
    /// Users who have redeemed already, and ask again.
    case repeated = "repeat"
    case refresh
    case login
    case mixed
    /// Requests of a file, for any HTTP server.
    case replay

    /// The kinds of request in the load, with their weights.
    func mix(_ given: Mix?) -> Mix {
        switch self {
        case .redeem, .storm: Mix([.redeem: 1])
        case .repeated: Mix([.repeated: 1])
        case .refresh: Mix([.refresh: 1])
        case .login: Mix([.login: 1])
        case .replay: Mix([.replay: 1])
        case .mixed: given ?? Mix([.redeem: 60, .browse: 30, .refresh: 10])
        }
    }

    /// Requests a second. A login costs a third of a second of a processor, on purpose (scrypt).
    var defaultRate: Double {
        switch self {
        case .redeem, .storm, .repeated, .replay: 20_000
        case .refresh, .mixed: 5_000
        case .login: 3
        }
    }
}

/// One kind of request.
enum RequestKindName: String, CaseIterable, Codable, Sendable {
    case redeem
    case repeated = "repeat"
    case refresh
    case login
    /// `GET /v1/coupons/{coupon}`, as people call it who look how much is left.
    case browse
    case replay

    /// The kinds that a mix may have. Replayed requests may be for any server, so they mix with none.
    static let mixable = allCases.filter { $0 != .replay }

    /// The outcomes that are no error.
    var expected: Set<String> {
        switch self {
        // In a storm a user asks again, so the user may have redeemed already or the coupon be sold out.
        case .redeem: ["201", "sold_out", "already_redeemed"]
        case .repeated: ["already_redeemed"]
        case .refresh, .login, .browse: ["200"]
        case .replay: [Expectation.met]
        }
    }
}

/// Kinds of request, and the weight of each.
struct Mix: Hashable, Sendable {
    let parts: [(kind: RequestKindName, weight: Int)]

    static let weightLimit = 1_000_000

    init(_ weights: [RequestKindName: Int]) {
        parts = RequestKindName.allCases.compactMap { kind in weights[kind].map { (kind, $0) } }.filter { $0.weight > 0 }
    }

    /// - Parameter text: such as `redeem=60,refresh=40`.
    init(_ text: String) throws {
        let remedy = "write it as redeem=60,refresh=40 with \(RequestKindName.mixable.map(\.rawValue).joined(separator: ", "))"
        var weights: [RequestKindName: Int] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let kind = RequestKindName.mixable.first(where: { $0.rawValue == sides[0] })
            else {
                throw UsageError("--mix: '\(part)' is not a kind of request and its weight", remedy: remedy)
            }
            guard let weight = Int(sides[1]), (0...Mix.weightLimit).contains(weight) else {
                throw UsageError(
                    "--mix: the weight '\(sides[1])' of \(kind.rawValue) is not 0 to \(Mix.weightLimit)",
                    remedy: remedy
                )
            }
            guard weights.updateValue(weight, forKey: kind) == nil else {
                throw UsageError("--mix: \(kind.rawValue) is there twice", remedy: remedy)
            }
        }
        self.init(weights)
        guard !parts.isEmpty else { throw UsageError("--mix '\(text)' has no weight above 0", remedy: remedy) }
    }

    func contains(_ kind: RequestKindName) -> Bool { parts.contains { $0.kind == kind } }

    static func == (left: Mix, right: Mix) -> Bool { left.description == right.description }

    func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

extension Mix: CustomStringConvertible {
    var description: String { parts.map { "\($0.kind.rawValue)=\($0.weight)" }.joined(separator: ",") }
}
