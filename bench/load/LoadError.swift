/// The reason why a run could not begin or go on.
public enum LoadError: Error, CustomStringConvertible {
    case cannotConnect(open: Int, of: Int, any Error)

    public var description: String {
        switch self {
        case .cannotConnect(let open, let count, let error): "opened \(open) of \(count) connections: \(error)"
        }
    }
}
