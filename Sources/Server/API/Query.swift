import Hummingbird

/// The parameters of a call that lists or ends many things. An unknown parameter is refused: if the call ignored a filter or a
/// page, it would list or end other things than the client asked for.
struct Query: Sendable {
    private let values: [String: String]

    /// - Parameters:
    ///   - known: the parameters that the call takes.
    ///   - advice: tells a client, at the end of a refusal, what the call takes.
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

    /// Refuses every parameter.
    static func expectNone(_ request: Request) throws(Problem) { _ = try Query(request, knows: [], "it takes none") }

    subscript(name: String) -> String? { values[name] }

    /// The greatest length of a name that an answer repeats.
    private static let nameCharacters = 40
}
