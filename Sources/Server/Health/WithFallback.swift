/// Returns the value of `work`, or `fallback` if `work` takes too long. In that case `work` goes on and nobody waits for it,
/// because a blocking call cannot be stopped.
func withFallback<Value: Sendable>(
    _ fallback: Value,
    after time: Duration,
    _ work: @escaping @Sendable () async -> Value
) async -> Value {
    let (values, continuation) = AsyncStream.makeStream(of: Value.self, bufferingPolicy: .bufferingOldest(1))
    let timer = Task {
        do { try await Task.sleep(for: time) } catch { return }
        continuation.yield(fallback)
    }
    Task { continuation.yield(await work()) }
    var iterator = values.makeAsyncIterator()
    let value = await iterator.next() ?? fallback
    timer.cancel()
    return value
}
