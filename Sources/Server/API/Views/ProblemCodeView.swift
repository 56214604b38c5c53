import Hummingbird

/// A problem's code, explained.
struct ProblemCodeView: ResponseEncodable, Sendable {
    let code: String
    let status: Int
    let title: String
    let detail: String

    init(_ code: ProblemCode) {
        self.code = code.rawValue
        status = code.status
        title = code.title
        detail = code.detail
    }
}
