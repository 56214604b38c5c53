#!lua
-- The first step of a rebuild: claims an epoch that Postgres has committed and clears the outbox, which was drained before.
-- An owner that was stopped for a while and does not know that it lost the shard must not clear its successor's outbox.
--
-- KEYS  1 fence: the highest epoch begun in this Redis · 2 outbox · 3 shard
-- ARGV  1 epoch
-- REPLY a code, or an error with the prefix FENCED if this epoch or a later one was begun before. Nothing changed then.
--
--   begun
--
-- Run by EVAL, since the shard is closed: what EVAL caches is this script alone, so redeem stays NOSCRIPT.

local epoch = tonumber(ARGV[1])
if #KEYS ~= 3 or not epoch then
    return redis.error_reply('ERR begin_epoch: wrong keys or arguments')
end
local fence = tonumber(redis.call('GET', KEYS[1]) or 0)
if epoch <= fence then
    return redis.error_reply(string.format('FENCED epoch %.0f: this Redis has begun epoch %.0f', epoch, fence))
end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3])
return 'begun'
