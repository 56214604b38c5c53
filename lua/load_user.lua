#!lua
-- Loads a user from a snapshot of Postgres. A user stays loaded until the epoch ends.
--
-- KEYS  1 shard · 2 users
-- ARGV  1 epoch · 2 balance · 3 control: the last sequence number of the control log that the balance contains · 4 user (16 bytes)
--       then for each redemption of the user: coupon id, redemption id (22 characters)
-- REPLY a code
--
--   loaded
--   already_loaded   nothing changed: the user's record in Redis is newer than any snapshot
--   wrong_epoch      the snapshot is not of the shard's epoch, or the shard is closed
--   stale_snapshot   the shard has applied control entries that the snapshot lacks: read it again. A grant to this user among
--                    them would be lost, since it changed no record as long as the user was not loaded
--
-- redeem.lua describes the form of a user's record.

local call = redis.call
local users = KEYS[2]
local epoch, balance, control, user = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function is_amount(text)
    return text and string.find(text, '^%d+$') and tonumber(text) <= 9007199254740991
end

local valid = #KEYS == 2 and #ARGV >= 4 and #ARGV % 2 == 0 and is_amount(balance) and is_amount(control) and #user == 16
local redemptions = {}
for i = 5, valid and #ARGV or 0, 2 do
    local coupon, id = ARGV[i], ARGV[i + 1]
    valid = valid and string.find(coupon, '^[%w_-]+$') and #id == 22 and string.find(id, '^[%w_-]+$')
    redemptions[i - 4], redemptions[i - 3] = ';' .. coupon, '=' .. id
end
if not valid then
    return redis.error_reply('ERR load_user: wrong keys or arguments')
end

local shard = call('HMGET', KEYS[1], 'epoch', 'control')
local loaded = call('HMGET', users, 'epoch', user)
if shard[1] ~= epoch or loaded[1] ~= epoch then
    return 'wrong_epoch'
end
if loaded[2] then
    return 'already_loaded'
end
if tonumber(control) < tonumber(shard[2]) then
    return 'stale_snapshot'
end

call('HSET', users, user, struct.pack('>dd', tonumber(balance), tonumber(control)) .. ' ' .. table.concat(redemptions))
return 'loaded'
