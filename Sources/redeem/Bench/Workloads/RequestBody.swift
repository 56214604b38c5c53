internal import Foundation

enum RequestBody {
    /// A JSON object of strings.
    static func json(_ members: [(name: String, value: String)]) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let texts = members.map { member in
            [member.name, member.value]
                .map { text in
                    guard let data = try? encoder.encode(text) else { preconditionFailure("a string is not JSON: \(text)") }
                    return String(decoding: data, as: UTF8.self)
                }
                .joined(separator: ":")
        }
        return Array("{\(texts.joined(separator: ","))}".utf8)
    }
}
