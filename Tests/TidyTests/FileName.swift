/// Whether a file declares what it is called by: `Type.swift` the type, `Type+Aspect.swift` an extension of it, or extensions of
/// others that make them such a type.
struct FileName {
    private let file: SourceFile

    init(_ file: SourceFile) { self.file = file }

    /// The first line, where it does not.
    var misnamed: [Int] {
        let base = file.name.prefix { $0 != "." && $0 != "+" }
        // A file may declare a function alone. Its name begins with a small letter.
        let function = base.prefix(1).lowercased() + base.dropFirst()
        let isDeclared = file.lines.contains { line in
            if let match = line.firstMatch(of: FileName.declaration) {
                return match.output.1.split(separator: ".").contains(base)
                    || (match.output.2 ?? "").split(whereSeparator: { ", ".contains($0) }).contains(base)
            }
            return line.firstMatch(of: FileName.function).map { $0.output.1 == function } ?? false
        }
        return isDeclared ? [] : [0]
    }

    nonisolated(unsafe) private static let declaration =
        #/^\s*(?:@\w+(?:\(.*\))? )*(?:\w+ )*(?:struct|class|enum|actor|protocol|typealias|extension) ([\w.]+)(?:<[^>]*>)?(?:: ([^{]*))?/#
    nonisolated(unsafe) private static let function = #/^(?:@\w+(?:\(.*\))? )*(?:\w+ )*func (\w+)/#
}
