/// A request body that is one JSON object, with string members that must be there. Other members are checked to be JSON and
/// are otherwise not looked at, so that a client may send more than this version knows.
enum RequestFields {
    enum Failure: Error, Hashable {
        case json(JSONReader.Failure)
        case missing(String)
        case notAString(String)
        case twice(String)

        var detail: String {
            switch self {
            case .json(let failure):
                switch failure.reason {
                case .type: "The body must be a JSON object."
                case .invalidUTF8, .syntax, .tooDeep:
                    "The body cannot be read: \(failure.reason.rawValue) (at byte \(failure.offset))."
                }
            case .missing(let name): "The member '\(name)' is missing."
            case .notAString(let name): "The member '\(name)' must be a string."
            case .twice(let name): "The member '\(name)' is given twice."
            }
        }
    }

    /// - Returns: the values' UTF-8, in the order of `names`.
    static func read(_ bytes: UnsafeRawBufferPointer, _ names: StaticString...) throws(Failure) -> [[UInt8]] {
        var values = [[UInt8]?](repeating: nil, count: names.count)
        var failure: Failure?
        do throws(JSONReader.Failure) {
            var reader = try JSONReader(bytes.bindMemory(to: UInt8.self))
            try reader.object { (name, reader) throws(JSONReader.Failure) in
                guard let index = names.firstIndex(where: { name == $0 }) else { return try reader.skip() }
                if values[index] != nil { failure = failure ?? .twice("\(names[index])") }
                guard reader.peek() == UInt8(ascii: "\"") else {
                    failure = failure ?? .notAString("\(names[index])")
                    values[index] = []
                    return try reader.skip()
                }
                values[index] = try reader.string().bytes
            }
            try reader.end()
        } catch {
            throw .json(error)
        }
        if let failure { throw failure }
        var found: [[UInt8]] = []
        for (name, value) in zip(names, values) {
            guard let value else { throw .missing("\(name)") }
            found.append(value)
        }
        return found
    }
}
