#!lua
-- Loads coupons into the epoch that was begun, the second step of a rebuild.
--
-- KEYS  1 fence · 2 shard · then each coupon
-- ARGV  1 epoch, then for each coupon: code digest, price, left, starts (ms or ''), ends (ms or ''), state
-- REPLY a code; or an error with the prefix FENCED if another epoch was begun or the shard is open: then nothing changed
--
--   loaded
--
-- The caller uses EVAL, as for begin_epoch.lua.

local call = redis.call
local epoch = ARGV[1]
local count = #KEYS - 2

local function is_amount(text)
    return text and string.find(text, '^%d+$') and tonumber(text) <= 9007199254740991
end
local function is_time(text)
    return text == '' or is_amount(text)
end

local valid = count >= 0 and #ARGV == 1 + 6 * count
for i = 2, #ARGV, 6 do
    valid = valid and #ARGV[i] == 64 and is_amount(ARGV[i + 1]) and is_amount(ARGV[i + 2])
        and is_time(ARGV[i + 3]) and is_time(ARGV[i + 4]) and (ARGV[i + 5] == 'active' or ARGV[i + 5] == 'paused')
end
if not valid then
    return redis.error_reply('ERR load_coupon: wrong keys or arguments')
end

local fence = call('GET', KEYS[1])
if fence ~= epoch then
    return redis.error_reply('FENCED epoch ' .. epoch .. ': this Redis has begun ' .. (fence and 'epoch ' .. fence or 'none yet'))
end
if call('EXISTS', KEYS[2]) == 1 then
    return redis.error_reply('FENCED epoch ' .. epoch .. ': the shard is open')
end

for i = 1, count do
    local key, at = KEYS[2 + i], 6 * i - 4
    call('DEL', key)
    call('HSET', key, 'epoch', epoch, 'code', ARGV[at], 'price', ARGV[at + 1], 'left', ARGV[at + 2], 'starts', ARGV[at + 3],
        'ends', ARGV[at + 4], 'state', ARGV[at + 5])
end
return 'loaded'
