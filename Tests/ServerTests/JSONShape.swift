import Domain
import Foundation
import TestSupport

/// What a JSON value consists of: each member, and what kind of value it has.
enum JSONShape: Equatable {
    /// RFC 3339 in UTC, with milliseconds.
    case time
    /// A UUIDv7.
    case id
    /// Any other text.
    case text
    case number
    case flag
    case null
    case list([JSONShape])
    case object([String: JSONShape])

    init(of body: String) throws { self = try JSONDecoder().decode(JSONShape.self, from: Data(body.utf8)) }

    private static func ofText(_ text: String) -> JSONShape {
        if UUIDv7(text) != nil { return .id }
        return text.utf8.count == 24 && text.hasSuffix("Z") && Timestamp(rfc3339: text) != nil ? .time : .text
    }
}

extension JSONShape: Decodable {
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let members = try? value.decode([String: JSONShape].self) {
            self = .object(members)
        } else if let items = try? value.decode([JSONShape].self) {
            self = .list(items)
        } else if let text = try? value.decode(String.self) {
            self = JSONShape.ofText(text)
        } else if (try? value.decode(Bool.self)) != nil {
            self = .flag
        } else {
            _ = try value.decode(Int.self)
            self = .number
        }
    }
}

extension JSONShape: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
    init(dictionaryLiteral members: (String, JSONShape)...) { self = .object(Dictionary(uniqueKeysWithValues: members)) }

    init(arrayLiteral items: JSONShape...) { self = .list(items) }
}
