/// Waits until the condition holds; fails the test after the limit. It looks at once, and then every few milliseconds.
public func until(
    _ what: @autoclosure () -> String,
    within limit: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    // Most of what is waited for comes soon.
    var pause = Duration.microseconds(200)
    while try await !condition() {
        guard ContinuousClock.now < end else { throw TestFailure("not after \(limit): \(what())") }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(5))
    }
}
