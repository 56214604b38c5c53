import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// Makes an answer of a model. Problems and the answers to redemptions are not made of models: the hot route writes them.
///
/// A member has its property's name in snake case. Members are sorted, so that the same answer is the same text each time. An optional
/// without a value is left out, and one that is `Nullable` is `null`.
struct AnswerEncoder: ResponseEncoder {
    private static let json = {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    /// No cache keeps the answer.
    func encode(_ value: some Encodable, from request: Request, context: some RequestContext) throws -> Response {
        Response(
            status: .ok,
            headers: [.contentType: MediaType.json, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try AnswerEncoder.encode(value)))
        )
    }

    /// - Returns: the text of the body.
    static func encode(_ value: some Encodable) throws -> Data { try json.encode(value) }
}

/// A member that is `null` where there is no value.
@propertyWrapper
struct Nullable<Value: Encodable & Sendable>: Encodable, Sendable {
    let wrappedValue: Value?

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}
