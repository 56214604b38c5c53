import Domain
import Hummingbird

/// A user as the user sees it.
struct UserView: Encodable, Sendable {
    let id: UserID
    let username: String
    let name: String
    let role: Role

    init(_ user: User) {
        id = user.id
        username = user.username
        name = user.name
        role = user.role
    }
}

/// The caller, their credit in Redis, and the session of the request.
struct AccountView: ResponseEncodable, Sendable {
    struct CreditView: Encodable, Sendable {
        let available: Int
        let held: Int
    }

    let user: UserView
    let credit: CreditView
    let session: SessionID

    init(_ user: User, _ credit: Credit, session: SessionID) {
        self.user = UserView(user)
        self.credit = CreditView(available: credit.available, held: credit.held)
        self.session = session
    }
}
