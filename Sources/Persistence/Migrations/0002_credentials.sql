-- A user's credentials get a version. It grows with each change of password or role and each revocation of all the user's sessions;
-- a session knows the version that it began with, so which sessions a revocation ends does not depend on any clock.
-- Operators' revocations are in the control log: they reach Redis after whatever kept them from it.

alter table users add column version bigint not null default 1;

alter table control_log drop constraint control_log_kind;
alter table control_log add constraint control_log_kind check (
    kind in ('coupon_created', 'coupon_state', 'coupon_restocked', 'credit_granted', 'user_sessions_revoked', 'sessions_revoked')
);
-- Whoever opens a shard looks for these among all entries, and each server for the last coupon.
create index control_log_revocations on control_log (seq) where kind in ('user_sessions_revoked', 'sessions_revoked');
create index control_log_coupons on control_log (seq) where kind = 'coupon_created';

-- Scripts take moments as milliseconds since 1970. Not for rows that are there.
alter table coupons add constraint coupons_moments check (starts_at >= 'epoch' and ends_at >= 'epoch') not valid;
