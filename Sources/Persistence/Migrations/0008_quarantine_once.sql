-- Nothing is in quarantine twice, whoever finds it at the same time: the drain, a rebuild, `redeem reconcile --repair`.
--
-- A redemption is told by its id, and by whose and of what it is: somebody who writes into Redis by hand may use one id for several.
-- What cannot be read is told by its place in the outbox and by what stands there.

-- Of what is there twice, that of the latest epoch stays, which can land the longest.
delete from quarantine using (
    select id, row_number() over (
        partition by entry->>'redemption', entry->>'user', entry->>'coupon' order by epoch desc, id
    ) as place
    from quarantine where entry->>'redemption' is not null
) copies
where copies.id = quarantine.id and copies.place > 1;

delete from quarantine using (
    select id, row_number() over (partition by shard, stream_id, entry->>'fields' order by epoch desc, id) as place
    from quarantine where entry->>'redemption' is null
) copies
where copies.id = quarantine.id and copies.place > 1;

drop index quarantine_redemption;
create unique index quarantine_redemption on quarantine ((entry->>'redemption'), (entry->>'user'), (entry->>'coupon'));
-- By a hash, since an index holds no more than some 2,700 bytes.
create unique index quarantine_unreadable on quarantine (shard, stream_id, hashtextextended(entry->>'fields', 0))
    where entry->>'redemption' is null;
