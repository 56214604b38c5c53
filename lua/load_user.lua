#!lua
-- Takes a user over from a snapshot of Postgres. Once loaded, a user stays loaded until the epoch ends.
--
-- KEYS  1 shard · 2 user
-- ARGV  1 epoch · 2 balance · 3 control: the last control sequence number that the balance contains
--       then for each redemption of the user: coupon id, redemption id
-- REPLY a code
--
--   loaded
--   already_loaded   nothing changed: the user's live state is newer than any snapshot
--   wrong_epoch      the snapshot is not of the shard's epoch, or the shard is closed
--   stale_snapshot   the shard has applied control entries that the snapshot lacks; a grant among them, which passed this
--                    user by because it was not loaded, would be lost: read the snapshot again
--
-- An old epoch's hash is deleted whole, so a lock for wrong codes ends with the epoch.

local call = redis.call
local shard_key, user_key = KEYS[1], KEYS[2]
local epoch, balance, control = ARGV[1], ARGV[2], ARGV[3]

local function is_amount(text)
    return text and string.find(text, '^%d+$') and tonumber(text) <= 9007199254740991
end

if #KEYS ~= 2 or #ARGV % 2 ~= 1 or not is_amount(balance) or not is_amount(control) then
    return redis.error_reply('ERR load_user: wrong keys or arguments')
end

local shard = call('HMGET', shard_key, 'epoch', 'control')
if shard[1] ~= epoch then
    return 'wrong_epoch'
end
if call('HGET', user_key, 'epoch') == epoch then
    return 'already_loaded'
end
if tonumber(control) < tonumber(shard[2]) then
    return 'stale_snapshot'
end

call('DEL', user_key)
call('HSET', user_key, 'epoch', epoch, 'credit', balance, 'held', '0', 'control', control)
-- In parts: unpack cannot return more values than Lua's stack holds (8000).
local part, size = {}, 0
for i = 4, #ARGV, 2 do
    part[size + 1], part[size + 2] = 'r:' .. ARGV[i], ARGV[i + 1]
    size = size + 2
    if size == 2000 then
        call('HSET', user_key, unpack(part))
        part, size = {}, 0
    end
end
if size > 0 then
    call('HSET', user_key, unpack(part))
end
return 'loaded'
