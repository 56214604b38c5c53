internal import Credentials

/// A key of a run, as settings have it: the bytes of a text.
struct TortureKey: Sendable {
    let text = ServiceKey.random().secretText

    var key: ServiceKey {
        guard let key = ServiceKey(bytes: Array(text.utf8)) else {
            preconditionFailure("\(text.utf8.count) bytes are too few for a key")
        }
        return key
    }
}
