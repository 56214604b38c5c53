#!lua flags=no-writes
-- Reads a user's credit or redemptions, if the user is loaded in the shard's present epoch.
--
-- KEYS  1 shard · 2 users · 3 outbox
-- ARGV  1 what to read: 'credit' or 'redemptions' · 2 user (16 bytes) · 3 entries of the outbox that are looked at for 'credit', at most
-- REPLY array: a code, then for loaded: the credit that is available and what is held, or for each redemption: coupon id, redemption id
--       (22 characters)
--
--   loaded
--   user_not_loaded
--
-- Held is what of the user's redemptions is in the outbox, at the price that stands there. Only redemptions as late as its first entry
-- can be: for each of their milliseconds its entries are looked through, the newest first, until all of them are found. As a rule these
-- are a few. After Redis's clock went back all entries are of one millisecond; then, and for a user with very many redemptions in the
-- outbox, what lies beyond the limit is not counted as held. What is available is exact, always.
-- The form of a user's record is in redeem.lua.

local call = redis.call
local sub, find = string.sub, string.find
local outbox, user, limit = KEYS[3], ARGV[2], tonumber(ARGV[3])
if #KEYS ~= 3 or #ARGV ~= 3 or (ARGV[1] ~= 'credit' and ARGV[1] ~= 'redemptions') or #user ~= 16 or not limit then
    return redis.error_reply('ERR user_state: wrong keys or arguments')
end

local epoch = call('HGET', KEYS[1], 'epoch')
local loaded = call('HMGET', KEYS[2], 'epoch', user)
local record = loaded[2]
if not epoch or loaded[1] ~= epoch or not record then
    return { 'user_not_loaded' }
end
local redemptions = string.gmatch(sub(record, sub(record, 17, 17) == '!' and 42 or 18), ';([^=]+)=([^;]+)')
if ARGV[1] == 'redemptions' then
    local reply, size = { 'loaded' }, 1
    for coupon, id in redemptions do
        reply[size + 1], reply[size + 2] = coupon, id
        size = size + 2
    end
    return reply
end

local alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
local function milliseconds(id)
    local number = 0
    for i = 1, 8 do
        number = 64 * number + find(alphabet, sub(id, i, i), 1, true) - 1
    end
    return number
end

-- The tail of the user's redemption among those of an entry: as a coupon is redeemed once, an entry has at most one. The bytes of an id
-- may be found across two others too.
local function tail_in(blob)
    local users = 16 * math.floor(#blob / 30) -- bytes
    local at = find(blob, user, 1, true)
    while at and at <= users do
        local place = (at - 1) / 16
        if place % 1 == 0 then
            return sub(blob, users + 14 * place + 1, users + 14 * place + 14)
        end
        at = find(blob, user, at + 1, true)
    end
end

local wanted, counts, times = {}, {}, {} -- by millisecond: coupon=tail → true, and how many these are; the milliseconds
local first = call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
local earliest = first and tonumber(string.match(first[1], '^%d+')) or math.huge
for coupon, id in redemptions do
    local time = milliseconds(id)
    if time >= earliest then
        if not wanted[time] then
            wanted[time], counts[time], times[#times + 1] = {}, 0, time
        end
        wanted[time][coupon .. '=' .. sub(id, 9)], counts[time] = true, counts[time] + 1
    end
end
table.sort(times)

local held, looked = 0, 0
for i = #times, 1, -1 do
    local missing, count = wanted[times[i]], counts[times[i]]
    local from = string.format('%.0f', times[i])
    local to = from
    while to and count > 0 and looked < limit do
        local page = math.min(100, limit - looked)
        local entries = call('XREVRANGE', outbox, to, from, 'COUNT', page)
        for j = 1, #entries do
            local fields = entries[j][2]
            local tail = fields[2] == epoch and fields[7] == 'redemptions' and tail_in(fields[8])
            local redemption = tail and fields[4] .. '=' .. tail
            if redemption and missing[redemption] then
                held, count = held + (tonumber(fields[6]) or 0), count - 1
                missing[redemption] = nil
            end
        end
        looked = looked + #entries
        to = #entries == page and '(' .. entries[page][1]
    end
end
return { 'loaded', string.format('%.0f', (struct.unpack('>d', record))), string.format('%.0f', held) }
