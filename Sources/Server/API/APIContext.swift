import Hummingbird
import Logging
import NIOCore

/// The values that Hummingbird carries along with a request.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Set by `ProblemMiddleware`, before anybody reads it.
    var requestID = ""
    let eventLoop: any EventLoop
    /// The peer's address, without the port.
    let remoteAddress: String
    var responseEncoder: AnswerEncoder { AnswerEncoder() }

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        eventLoop = source.channel.eventLoop
        remoteAddress = source.channel.remoteAddress?.ipAddress ?? ""
    }
}
