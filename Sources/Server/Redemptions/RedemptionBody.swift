import Domain
import NIOCore

/// The body of a redemption: `{"code": "…"}`.
enum RedemptionBody {
    /// - Returns: the code's UTF-8.
    static func code(in body: ByteBuffer) throws(Problem) -> [UInt8] {
        let result = body.withUnsafeReadableBytes { bytes in
            Result { () throws(RequestFields.Failure) in try RequestFields.read(bytes, "code") }
        }
        switch result {
        case .failure(let failure): throw Problem(.invalidBody, failure.detail)
        case .success(let values):
            let code = values[0]
            guard !code.isEmpty else { throw Problem(.invalidBody, "The member 'code' is empty.") }
            guard code.count <= Limits.codeBytes else {
                throw Problem(.invalidBody, "The member 'code' is longer than \(Limits.codeBytes) bytes.")
            }
            return code
        }
    }
}
