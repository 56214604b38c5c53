#!lua
-- The first step of a rebuild: claims an epoch that Postgres has committed, clears the outbox, which was drained before, and forgets all
-- users: their hash is of the highest epoch that was begun, always.
-- An owner that was stopped for a while and does not know that it lost the shard must not clear its successor's outbox.
--
-- KEYS  1 fence: the highest epoch begun in this Redis · 2 outbox · 3 shard · 4 users · 5 where earlier versions have the shard's record
-- ARGV  1 epoch
-- REPLY a code, or an error with the prefix FENCED if this epoch or a later one was begun before. Nothing changed then.
--
--   begun
--
-- A worker of an earlier version asks for its record with HMGET before it does anything else. It finds a string there, is told WRONGTYPE,
-- and leaves this Redis alone: it would take the entries of the outbox for damaged, and load users beside those of this version.
-- Run by EVAL, since the shard is closed: what EVAL caches is this script alone, so redeem stays NOSCRIPT.

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
