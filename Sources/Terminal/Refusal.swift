/// What was asked for cannot be done with what is stored. Exit code 1.
package struct Refusal: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
