-- What operators decide about quarantine and drift. Both reach Redis by the control log: that a redemption was dropped (its credit
-- and stock are given back) and that a shard is to be rebuilt.

alter table control_log drop constraint control_log_kind;
alter table control_log add constraint control_log_kind check (
    kind in ('coupon_created', 'coupon_state', 'coupon_restocked', 'credit_granted', 'user_sessions_revoked', 'sessions_revoked',
             'redemption_dropped', 'shard_rebuild')
);

-- What was in quarantine and will not land: the row as it was, who dropped it and why. Only ever added to.
create table quarantine_drops (
    -- As it was in quarantine.
    id           bigint      constraint quarantine_drops_pkey primary key,
    shard        integer     not null,
    epoch        bigint      not null,
    stream_id    text        not null,
    entry        jsonb       not null,
    reason       text        not null,
    created_at   timestamptz not null,
    dropped_at   timestamptz not null default now(),
    dropped_by   text        not null,
    drop_reason  text        not null constraint quarantine_drops_reason check (drop_reason <> ''),
    -- The entry that gives its credit and stock back in Redis; null where Redis does not have it.
    control_seq  bigint      constraint quarantine_drops_control references control_log
);

create index quarantine_redemption on quarantine ((entry->>'redemption'));
create index quarantine_drops_redemption on quarantine_drops ((entry->>'redemption'));
