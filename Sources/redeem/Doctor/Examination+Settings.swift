internal import Configuration
internal import Credentials
internal import HotPath
internal import Logging
internal import Persistence
internal import PostgresClient
internal import Server
internal import Sync

extension Examination {
    /// Reads the settings by the same initialisers as the process itself.
    func settings(_ findings: inout Findings) {
        let reader = settings.reader
        switch process {
        case .serve:
            findings.check("token key", try TokenKeys(reader, host: reader.apiHost(), warn: { _ in })) {
                reader.text("token.key") == nil ? "a key of its own, for this machine only" : "signs as \($0.ids[0])"
            }
            findings.check("other token keys", try ServiceKey.otherTokenKeys(reader)) { "\($0.count)" }
            findings.check("code key", try ServiceKey.code(reader)) { "\($0.codeKeyID)" }
            let serve = findings.check("settings", try ServeSettings(settings, warn: { _ in })) { _ in "a server can have them" }
            // The open files that a server would have if this user started it here.
            if let serve, let postgres = try? PostgresConfiguration(reader) {
                let files = FileBudget(serve.server, postgres) { FileLimit.allowed(of: $0) }
                findings.add("open files", files.isEnough, files.seen, files.remedy)
            }
        case .sync:
            findings.check("settings", try SyncSettings(settings)) { _ in "a worker can have them" }
        case .admin:
            findings.check("code key", try ServiceKey.code(reader)) { "\($0.codeKeyID)" }
        }
        findings.check("log level", try settings.logger("doctor").logLevel) { "\($0)" }
    }
}
