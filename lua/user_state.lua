#!lua flags=no-writes
-- Reads a user's credit or redemptions, if the user is loaded in the shard's present epoch.
--
-- KEYS  1 shard · 2 users · 3 outbox
-- ARGV  1 what to read: 'credit' or 'redemptions' · 2 user (16 bytes) · 3 the most entries of the outbox to look at for 'credit'
-- REPLY array: a code, then for loaded and credit: available credit, held credit; for loaded and redemptions, for each of them: coupon
--       id, redemption id (22 characters)
--
--   loaded
--   user_not_loaded
--
-- Held credit is the sum of the prices of the user's redemptions in the outbox. Only redemptions that are not older than the outbox's
-- first entry can be there. For each millisecond in which the user redeemed, the entries of that millisecond are searched, the newest
-- first, until the redemptions are found. Usually these are few entries. After Redis's clock went back, all entries are of one
-- millisecond. Then, and for a user with very many redemptions in the outbox, redemptions beyond the limit are not counted as held.
-- Available credit is always exact.
-- redeem.lua describes the form of a user's record.

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

-- Finds the user in an entry and returns the tail of the redemption. An entry has at most one, since a user redeems a coupon once. A
-- match that does not begin at a multiple of 16 bytes is made of parts of two other ids, so the search goes on.
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

local wanted, counts, times = {}, {}, {} -- by millisecond: a set of coupon=tail, and its size; the list of milliseconds
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
