extension Double {
    /// Without a fraction that is not there.
    package var text: String { self == rounded() && magnitude < 1e15 ? String(Int(self)) : String(self) }
}
