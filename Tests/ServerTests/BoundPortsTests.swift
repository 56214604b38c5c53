import Testing

@testable import Server

@Suite struct BoundPortsTests {
    /// Or a shutdown would wait for a listener that never comes.
    @Test func waitingForThePortsEndsWithTheTask() async throws {
        let ports = BoundPorts()
        let waiting = Task { try await ports.ports() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test func everyoneWhoWaitsIsTold() async throws {
        let ports = BoundPorts()
        async let first = ports.ports()
        async let second = ports.ports()
        ports.bound(.api, to: 1)
        ports.bound(.operations, to: 2)
        #expect(try await [first, second] == [ServerPorts(api: 1, ops: 2), ServerPorts(api: 1, ops: 2)])
    }
}
