/// The stored data does not allow what was asked for. Exit code 1.
package struct Refusal: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
