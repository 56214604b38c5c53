#!lua flags=no-writes
-- Reads a user's credit and redemptions, if they are of the shard's present epoch.
--
-- KEYS  1 shard · 2 user
-- ARGV  1 what to read: 'credit', or 'redemptions' too
-- REPLY array: a code, then for loaded: credit, held, then for each redemption: coupon id, redemption id
--
--   loaded
--   user_not_loaded

local call = redis.call
local user_key = KEYS[2]
if #KEYS ~= 2 or (ARGV[1] ~= 'credit' and ARGV[1] ~= 'redemptions') then
    return redis.error_reply('ERR user_state: wrong keys or arguments')
end

local epoch = call('HGET', KEYS[1], 'epoch')
local user = call('HMGET', user_key, 'epoch', 'credit', 'held')
if not epoch or user[1] ~= epoch then
    return { 'user_not_loaded' }
end

local reply = { 'loaded', user[2], user[3] }
if ARGV[1] == 'redemptions' then
    local fields = call('HGETALL', user_key)
    local size = 3
    for i = 1, #fields, 2 do
        if string.sub(fields[i], 1, 2) == 'r:' then
            reply[size + 1], reply[size + 2] = string.sub(fields[i], 3), fields[i + 1]
            size = size + 2
        end
    end
end
return reply
