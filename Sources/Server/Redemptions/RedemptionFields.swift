/// The header fields by which a redemption is judged: the places of their values in the bytes that were read. Each reader of
/// redemptions fills this, one field after the other.
struct RedemptionFields {
    enum Name {
        case authorization
        case contentType
        case durability
        case idempotencyKey
        case requestID

        /// `nil`: the field is none of these.
        // This is inlined, as `matches` is. The length tells most names apart.
        @inline(__always)
        init?(_ name: UnsafeBufferPointer<UInt8>) {
            switch name.count {
            case 10 where StaticString("durability").matches(name): self = .durability
            case 12 where StaticString("content-type").matches(name): self = .contentType
            case 12 where StaticString("x-request-id").matches(name): self = .requestID
            case 13 where StaticString("authorization").matches(name): self = .authorization
            case 15 where StaticString("idempotency-key").matches(name): self = .idempotencyKey
            default: return nil
            }
        }
    }

    struct Field {
        /// The place of the first value; `nil`: the field is not there.
        private(set) var place: Range<Int>?
        /// The field is there more than once.
        private(set) var isRepeated = false

        mutating func add(_ place: Range<Int>) {
            if self.place == nil { self.place = place } else { isRepeated = true }
        }
    }

    private(set) var authorization = Field()
    private(set) var contentType = Field()
    private(set) var durability = Field()
    private(set) var idempotencyKey = Field()
    private(set) var requestID = Field()

    mutating func add(_ name: Name, at place: Range<Int>) {
        switch name {
        case .authorization: authorization.add(place)
        case .contentType: contentType.add(place)
        case .durability: durability.add(place)
        case .idempotencyKey: idempotencyKey.add(place)
        case .requestID: requestID.add(place)
        }
    }

    /// True if one of the fields is there more than once.
    var haveRepeated: Bool {
        authorization.isRepeated || contentType.isRepeated || durability.isRepeated || idempotencyKey.isRepeated
            || requestID.isRepeated
    }
}

/// A redemption as it was read, without the coupon that its path names. All readers give this to `RedemptionJudge`.
struct RedemptionText {
    let fields: RedemptionFields
    let body: UnsafeRawBufferPointer
    /// The bytes in which the places of `fields` are. They must outlive this, and so must `body`.
    let bytes: UnsafeBufferPointer<UInt8>

    var authorization: UnsafeBufferPointer<UInt8>? { value(fields.authorization) }
    var contentType: UnsafeBufferPointer<UInt8>? { value(fields.contentType) }
    var durability: UnsafeBufferPointer<UInt8>? { value(fields.durability) }
    var idempotencyKey: UnsafeBufferPointer<UInt8>? { value(fields.idempotencyKey) }

    /// The client's own id of the request. It is ignored if it is sent twice.
    var requestID: RequestID? {
        guard let text = value(fields.requestID), !fields.requestID.isRepeated else { return nil }
        return RequestID(acceptable: String(decoding: text, as: UTF8.self))
    }

    private func value(_ field: RedemptionFields.Field) -> UnsafeBufferPointer<UInt8>? {
        field.place.map { UnsafeBufferPointer(rebasing: bytes[$0]) }
    }
}
