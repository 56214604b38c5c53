#!lua flags=allow-oom
-- Trims the outbox: removes entries that have landed in Postgres. An entry is not settled as long as it is in the outbox.
-- No user's record changes: the credit that a user's redemptions hold is the sum of their prices in the outbox.
-- The shard's record keeps the id of the last settled entry. A Postgres whose cursor is before that id has gone back in time.
--
-- KEYS  1 outbox · 2 shard
-- ARGV  1 epoch · 2 id of the first entry · 3 the id just after the last entry: the first one that stays
-- REPLY a code
--
--   settled
--   not_first     the outbox does not begin with that first entry, since it was settled before. Nothing changed.
--   wrong_epoch   the shard is closed or of another epoch. Nothing changed.
--
-- The shard's record counts the entries removed here (`trimmed`). Redis counts the entries that were ever added to a stream, so both
-- numbers tell how many entries somebody else has deleted.
-- The flag allow-oom is set because this call makes room again at maxmemory. It writes only two fields of the shard's record.

local call = redis.call
local outbox, epoch, first, next_id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if #KEYS ~= 2 or #ARGV ~= 3 then
    return redis.error_reply('ERR settle: wrong number of keys or arguments')
end

local shard = call('HMGET', KEYS[2], 'epoch', 'trimmed')
if shard[1] ~= epoch then
    return 'wrong_epoch'
end
local head = call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
if not head or head[1] ~= first then
    return 'not_first'
end

local last = call('XREVRANGE', outbox, '(' .. next_id, '-', 'COUNT', 1)[1]
local trimmed = call('XTRIM', outbox, 'MINID', next_id)
if last then
    call('HSET', KEYS[2], 'settled', last[1], 'trimmed', string.format('%d', (shard[2] or 0) + trimmed))
end
return 'settled'
