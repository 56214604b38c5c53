import Hummingbird

extension API {
    /// What the `type` of a problem leads to.
    @Sendable func explainProblem(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let code = context.parameters.get("code").flatMap(ProblemCode.init(rawValue:)) else { throw Problem(.notFound) }
        var json = JSONWriter()
        json.object { json in
            json.member("code", code.rawValue)
            json.member("status", code.status)
            json.member("title", code.title)
            json.member("detail", code.detail)
        }
        return .json(json.text)
    }
}
