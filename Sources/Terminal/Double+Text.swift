extension Double {
    /// The number as text, without a fraction if it is whole.
    package var text: String { self == rounded() && magnitude < 1e15 ? String(Int(self)) : String(self) }
}
