package import Domain

extension LocalStackConfiguration {
    /// A stack whose Redis is configured for a mode.
    package init(directory: String, for mode: Durability) {
        self.init(directory: directory)
        switch mode {
        case .relaxed, .ledger: redis.appendFsync = .everysec
        case .local: redis.appendFsync = .always
        case .replicated:
            redis.appendFsync = .always
            redis.extra.append("min-replicas-to-write 1")
        }
    }
}
