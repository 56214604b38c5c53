/// Gathers the replies of a pipeline.
final class PipelineReplies {
    private var replies: [RESPValue] = []
    private var missing: Int
    private var failure: RedisError?
    private let completion: (Result<[RESPValue], RedisError>) -> Void

    init(count: Int, completion: @escaping (Result<[RESPValue], RedisError>) -> Void) {
        missing = count
        self.completion = completion
        replies.reserveCapacity(count)
    }

    func add(_ reply: Result<RESPValue, RedisError>) {
        switch reply {
        case .success(let value): replies.append(value)
        case .failure(let error) where error.code == .serverError: replies.append(.error(error.message))
        case .failure(let error): if failure == nil { failure = error }
        }
        missing -= 1
        if missing == 0 { completion(failure.map { .failure($0) } ?? .success(replies)) }
    }
}
