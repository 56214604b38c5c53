import Hummingbird

/// The parameters of a call that lists, or ends, many things. One that the call does not know is refused: a filter or a page that
/// is left out of account would give, or end, something else than was asked for.
struct Query: Sendable {
    private let values: [String: String]

    /// - Parameters:
    ///   - known: what the call takes.
    ///   - advice: what to do instead of the others.
    init(_ request: Request, knows known: Set<String>, _ advice: String) throws(Problem) {
        var values: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            let shown = name.prefix(Query.nameCharacters)
            guard known.contains(String(name)) else {
                throw Problem(.invalidParameter, "This call has no parameter '\(shown)': \(advice).")
            }
            guard values.updateValue(String(value), forKey: String(name)) == nil else {
                throw Problem(.invalidParameter, "The parameter '\(shown)' is given twice.")
            }
        }
        self.values = values
    }

    /// A call that takes none.
    static func expectNone(_ request: Request) throws(Problem) { _ = try Query(request, knows: [], "it takes none") }

    subscript(name: String) -> String? { values[name] }

    /// Of a name in an answer.
    private static let nameCharacters = 40
}
