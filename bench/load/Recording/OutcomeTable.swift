/// The outcomes of one thread. They are numbered in the order in which they come, so that to count one is to add to an array.
struct OutcomeTable {
    private struct Entry {
        let outcome: Outcome
        let code: [UInt8]
    }

    /// The outcome that all beyond the limit are counted as.
    static let others = Outcome(name: "others", status: nil)

    private var entries: [Entry]
    private let limit: Int

    init(limit: Int = LoadLimits.outcomes) {
        precondition(limit > TransportFailure.allCases.count + 1)
        self.limit = limit
        entries = TransportFailure.allCases.map { Entry(outcome: Outcome($0), code: []) }
        entries.append(Entry(outcome: OutcomeTable.others, code: []))
    }

    var outcomes: [Outcome] { entries.map(\.outcome) }

    static func number(of failure: TransportFailure) -> Int {
        switch failure {
        case .connectionLost: 0
        case .timeout: 1
        case .invalidAnswer: 2
        }
    }

    /// - Parameter code: the code of a problem; `nil` if the body is no problem.
    mutating func number(status: Int, code: UnsafeRawBufferPointer?) -> Int {
        let first = TransportFailure.allCases.count + 1
        for index in first..<entries.count where entries[index].outcome.status == status {
            if let code {
                if entries[index].code.elementsEqual(code) { return index }
            } else if entries[index].code.isEmpty {
                return index
            }
        }
        guard entries.count < limit else { return first - 1 }
        let name = code.map { String(decoding: $0, as: UTF8.self) } ?? String(status)
        entries.append(Entry(outcome: Outcome(name: name, status: status), code: code.map { Array($0) } ?? []))
        return entries.count - 1
    }
}
