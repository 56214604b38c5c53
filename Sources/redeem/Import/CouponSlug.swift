internal import Domain
internal import Foundation

/// The id of a coupon that had a name and a number there: `Summer Gala!` and 7 give `summer-gala-7`.
enum CouponSlug {
    /// The most digits that a source's id has: those of 64 bits.
    private static let digits = 20

    /// Accents go, and all but letters and digits of ASCII becomes hyphens. The number tells coupons with equal slugs apart.
    /// `nil` if the source's id is not a number.
    static func id(name: String?, source: String) -> CouponID? {
        guard (1...digits).contains(source.utf8.count), source.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
        let room = Limits.couponIDLength - source.utf8.count - 1
        let slug = slug(name ?? "").prefix(room)
        return CouponID("\(slug.isEmpty ? "coupon" : trimmed(slug))-\(source)")
    }

    /// The number at the end of an id that was made here.
    static func source(of id: CouponID) -> String {
        String(id.description.split(separator: "-").last ?? "")
    }

    private static func slug(_ name: String) -> String {
        var slug = ""
        for scalar in name.decomposedStringWithCanonicalMapping.lowercased().unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9": slug.unicodeScalars.append(scalar)
            // The decomposition has made this accent a scalar of its own.
            case _ where scalar.properties.canonicalCombiningClass != .notReordered: continue
            default: if !slug.isEmpty, slug.last != "-" { slug += "-" }
            }
        }
        return String(trimmed(slug[...]))
    }

    private static func trimmed(_ slug: Substring) -> Substring {
        slug.last == "-" ? slug.dropLast() : slug
    }
}
