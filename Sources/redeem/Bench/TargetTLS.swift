internal import Foundation
internal import LoadGenerator
internal import NIOSSL
internal import Terminal

/// The certificates that a target may have.
struct TargetTLS: Sendable {
    let configuration: TLSConfiguration

    /// - Parameters:
    ///   - authority: a file of certificates (PEM) that are trusted instead of the system's.
    ///   - isInsecure: every certificate is accepted.
    init(authority: String?, isInsecure: Bool) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if isInsecure { configuration.certificateVerification = .none }
        if let authority {
            let remedy = "give --ca the path of a PEM file with the certificate of who signed the server's"
            guard FileManager.default.isReadableFile(atPath: authority) else {
                throw UsageError("cannot read '\(authority)'", remedy: remedy)
            }
            guard let found = try? NIOSSLCertificate.fromPEMFile(authority), !found.isEmpty else {
                throw UsageError("'\(authority)' has no certificate", remedy: remedy)
            }
            configuration.trustRoots = .certificates(found)
        }
        self.configuration = configuration
    }

    func load(host: String) throws -> LoadTLS { try LoadTLS(configuration, host: host) }
}
