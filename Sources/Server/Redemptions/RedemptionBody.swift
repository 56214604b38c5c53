import Domain
import NIOCore

/// The body of a redemption: `{"code": "…"}`.
enum RedemptionBody {
    /// The digest of the code in a body.
    static func digest(in body: UnsafeRawBufferPointer, by digester: CodeDigester) throws(Problem) -> CodeDigest {
        let code: JSONText
        do {
            code = try RequestFields.text(of: "code", in: body)
        } catch {
            throw Problem(.invalidBody, error.detail)
        }
        guard code.count > 0 else { throw Problem(.invalidBody, "The member 'code' is empty.") }
        guard code.count <= Limits.codeBytes else {
            throw Problem(.invalidBody, "The member 'code' is longer than \(Limits.codeBytes) bytes.")
        }
        return code.withBytes { digester.digest(of: UnsafeRawBufferPointer($0)) }
    }

    static func digest(in body: ByteBuffer, by digester: CodeDigester) throws(Problem) -> CodeDigest {
        let result = body.withUnsafeReadableBytes { bytes in
            Result { () throws(Problem) in try digest(in: bytes, by: digester) }
        }
        return try result.get()
    }
}
