#!lua flags=allow-oom
-- Releases what landed in Postgres: the price of each redemption leaves its user's held credit, and the entries leave the
-- outbox, both or neither. An entry that is still in the outbox is therefore exactly one that is not settled.
-- The shard remembers the last entry that was settled: Postgres had it. A Postgres whose cursor is before it has gone back in time.
--
-- KEYS  1 outbox · 2 shard · then each user of the entries, once
-- ARGV  1 epoch · 2 id of the first entry · 3 the id just after the last entry: the first one that stays
-- REPLY array: a code, then for settled: how many users had less held than the entries say. It should be 0.
--
--   settled
--   not_first     the outbox does not begin with the first entry: somebody settled it before. Nothing changed.
--   wrong_epoch   the shard is closed or of another epoch. Nothing changed.
--
-- What of an entry cannot be read (it went to quarantine), is of another epoch, or is of a user without a key here is only
-- trimmed. A hold too small becomes 0 and is counted: an error here would keep the outbox from ever draining, and reconcile
-- finds the user.
-- The shard's record counts the entries that left here (`trimmed`), so that what was deleted otherwise is known: a stream says itself
-- how many were ever added. A record of an earlier version counts from the next rebuild on.
-- allow-oom: at maxmemory this call is what makes room again, and it writes no more than a field of the shard.

local call = redis.call
local outbox, epoch, first, next_id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if #KEYS < 2 or #ARGV ~= 3 then
    return redis.error_reply('ERR settle: wrong number of keys or arguments')
end

local shard = call('HMGET', KEYS[2], 'epoch', 'trimmed')
if shard[1] ~= epoch then
    return { 'wrong_epoch' }
end
local head = call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
if not head or head[1] ~= first then
    return { 'not_first' }
end

local sums = {} -- user id → credit to release
local entries = call('XRANGE', outbox, first, '(' .. next_id)
for i = 1, #entries do
    local fields = entries[i][2]
    local price = tonumber(fields[6])
    if fields[1] == 'epoch' and fields[2] == epoch and fields[5] == 'price' and price then
        for j = 7, #fields - 1, 2 do
            sums[fields[j]] = (sums[fields[j]] or 0) + price
        end
    end
end

local held, users, drifted = {}, 0, 0 -- key, new value, key, new value, …
for i = 3, #KEYS do
    local key = KEYS[i]
    local sum = sums[string.sub(key, -36)]
    if sum then
        local user = call('HMGET', key, 'epoch', 'held')
        local rest = user[1] == epoch and tonumber(user[2]) - sum
        if rest and rest >= 0 then
            held[users + 1], held[users + 2] = key, rest
            users = users + 2
        else
            drifted = drifted + 1
            if rest then
                held[users + 1], held[users + 2] = key, 0
                users = users + 2
            end
        end
    end
end

for i = 1, users, 2 do
    call('HSET', held[i], 'held', held[i + 1])
end
local trimmed = call('XTRIM', outbox, 'MINID', next_id)
if #entries > 0 then
    call('HSET', KEYS[2], 'settled', entries[#entries][1])
end
if shard[2] then
    call('HSET', KEYS[2], 'trimmed', string.format('%d', shard[2] + trimmed))
end
return { 'settled', drifted }
