import Hummingbird

extension API {
    /// Explains a problem's code. The `type` of a problem leads here.
    @Sendable func explainProblem(_ request: Request, _ context: APIContext) async throws -> ProblemCodeView {
        guard let code = context.parameters.get("code").flatMap(ProblemCode.init(rawValue:)) else { throw Problem(.notFound) }
        return ProblemCodeView(code)
    }
}
