import Credentials
import Domain

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
        let plain = code.withBytes { bytes in
            TextRule.hiddenCode.isPlain(bytes) ? digester.digest(ofNormal: UnsafeRawBufferPointer(bytes)) : nil
        }
        if let plain { return plain }
        do {
            return digester.digest(of: try TextRule.hiddenCode.read(code.string))
        } catch {
            throw Problem(member: "code", error)
        }
    }
}
