#!lua
-- Writes the shard's record, the third step of a rebuild. From then on users can be loaded and the control log can be applied.
-- The last step opens the shard: the owner loads the scripts.
--
-- KEYS  1 fence · 2 shard
-- ARGV  1 epoch · 2 control: the last sequence number of the control log that the coupons contain · 3 mark: when Postgres wrote
--       that entry (µs)
-- REPLY a code; or an error with the prefix FENCED if another epoch was begun or the shard is open: then nothing changed
--
--   written
--
-- The caller uses EVAL, as for begin_epoch.lua.

local call = redis.call
local epoch, control, mark = ARGV[1], ARGV[2], ARGV[3]
if #KEYS ~= 2 or #ARGV ~= 3 or not string.find(control, '^%d+$') or not string.find(mark, '^%d+$') then
    return redis.error_reply('ERR write_shard: wrong keys or arguments')
end
local fence = call('GET', KEYS[1])
if fence ~= epoch then
    return redis.error_reply('FENCED epoch ' .. epoch .. ': this Redis has begun ' .. (fence and 'epoch ' .. fence or 'none yet'))
end
if call('EXISTS', KEYS[2]) == 1 then
    return redis.error_reply('FENCED epoch ' .. epoch .. ': the shard is open')
end
call('HSET', KEYS[2], 'epoch', epoch, 'control', control, 'mark', mark, 'trimmed', '0')
return 'written'
