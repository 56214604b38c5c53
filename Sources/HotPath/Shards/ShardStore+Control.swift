public import Domain
import LuaScripts
public import RedisClient

extension ShardStore {
    /// Applies the next entry of the control log, as `apply_control.lua` says.
    /// - Parameter mark: when Postgres wrote it (`LoggedControl.mark`).
    public func applyControl(_ entry: ControlEntry, mark: Int, epoch: Epoch) async throws(RedisError) -> ApplyControlReply {
        let targets: [String]
        let change: [RESPArgument]
        switch entry.change {
        case .couponCreated(let coupon):
            targets = [keys.coupon(coupon.id)]
            change = coupon.scriptArguments.asArguments
        case .couponState(let coupon, let state):
            targets = [keys.coupon(coupon)]
            change = [.text(state.rawValue)]
        case .couponRestocked(let coupon, let amount):
            targets = [keys.coupon(coupon)]
            change = [.text(String(amount))]
        case .creditGranted(let user, let amount):
            targets = [keys.users]
            change = [.text(String(amount)), .bytes(user.uuid.bytes)]
        case .redemptionDropped(let redemption):
            targets = [keys.users, keys.coupon(redemption.coupon)]
            let id = redemption.id.uuid.base64URL
            change = [.text(id), .text(String(redemption.price)), .bytes(redemption.user.uuid.bytes)]
        case .userSessionsRevoked, .sessionsRevoked, .shardRebuild:
            // The caller has ended the sessions, or another shard is rebuilt: this only moves the control number.
            targets = [keys.shard]
            change = []
        }
        return try await call(
            .applyControl,
            keys: [keys.shard] + targets,
            arguments: [String(epoch.number), String(entry.sequence), String(mark), entry.change.kind.rawValue].asArguments
                + change,
            as: ApplyControlReply.self
        )
    }
}
