package import Domain

/// Reads a request body that is one JSON object. The wanted members must be there and be strings. Other members must be JSON and
/// are otherwise ignored, so that a client may send more than this version knows.
package enum RequestFields {
    package enum Failure: Error, Hashable {
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
        var values: [[UInt8]] = []
        for name in names { values.append(try text(of: name, in: bytes).bytes) }
        return values
    }

    /// The value of one member, which is part of `bytes` unless it has escapes.
    package static func text(of wanted: StaticString, in bytes: UnsafeRawBufferPointer) throws(Failure) -> JSONText {
        var value: JSONText?
        var failure: Failure?
        do throws(JSONReader.Failure) {
            var reader = try JSONReader(bytes.bindMemory(to: UInt8.self))
            try reader.object { (name, reader) throws(JSONReader.Failure) in
                guard name == wanted else { return try reader.skip() }
                if value != nil { failure = failure ?? .twice("\(wanted)") }
                guard reader.peek() == UInt8(ascii: "\"") else {
                    failure = failure ?? .notAString("\(wanted)")
                    value = JSONText(decoded: [])
                    return try reader.skip()
                }
                value = try reader.string()
            }
            try reader.end()
        } catch {
            throw .json(error)
        }
        if let failure { throw failure }
        guard let value else { throw .missing("\(wanted)") }
        return value
    }
}
