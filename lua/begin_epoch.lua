#!lua
-- Begins an epoch, the first step of a rebuild: claims an epoch that Postgres has committed, clears the outbox, which was drained before,
-- and clears the hash of users, which is always of the highest epoch begun.
-- The fence keeps off an owner that was stopped for a while and has lost the shard: it must not clear its successor's outbox.
--
-- KEYS  1 fence: the highest epoch begun in this Redis · 2 outbox · 3 shard · 4 users · 5 the shard's record of earlier versions
-- ARGV  1 epoch
-- REPLY a code; or an error with the prefix FENCED if this epoch or a later one was begun before: then nothing changed
--
--   begun
--
-- Key 5 keeps off workers of earlier versions, which would take the outbox's entries for damaged and load users in another form. Such a
-- worker begins with HMGET of its record. It finds a string there, gets the error WRONGTYPE, and leaves this Redis alone.
-- The caller uses EVAL, since the shard is closed. EVAL loads no script but this one, so calls of redeem.lua still fail with NOSCRIPT.

local call = redis.call
local epoch = tonumber(ARGV[1])
if #KEYS ~= 5 or not epoch then
    return redis.error_reply('ERR begin_epoch: wrong keys or arguments')
end
local fence = tonumber(call('GET', KEYS[1]) or 0)
if epoch <= fence then
    return redis.error_reply(string.format('FENCED epoch %.0f: this Redis has begun epoch %.0f', epoch, fence))
end
call('SET', KEYS[1], ARGV[1])
call('UNLINK', KEYS[2], KEYS[3], KEYS[4])
call('HSET', KEYS[4], 'epoch', ARGV[1])
call('SET', KEYS[5], 'a later version of Redeem keeps this shard')
return 'begun'
