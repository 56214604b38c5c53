#!lua flags=allow-oom
-- Takes what landed in Postgres out of the outbox. Users have nothing to be changed: what is held of their credit is what the outbox has
-- of them. An entry that is still in the outbox is therefore exactly one that is not settled.
-- The shard remembers the last entry that was settled: Postgres had it. A Postgres whose cursor is before it has gone back in time.
--
-- KEYS  1 outbox · 2 shard
-- ARGV  1 epoch · 2 id of the first entry · 3 the id just after the last entry: the first one that stays
-- REPLY a code
--
--   settled
--   not_first     the outbox does not begin with the first entry: somebody settled it before. Nothing changed.
--   wrong_epoch   the shard is closed or of another epoch. Nothing changed.
--
-- The shard's record counts the entries that left here (`trimmed`), so that what was deleted otherwise is known: a stream says itself
-- how many were ever added.
-- allow-oom: at maxmemory this call is what makes room again, and it writes no more than two fields of the shard.

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
