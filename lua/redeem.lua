#!lua
-- Decides redemptions of one coupon: a batch of 1 to 64 requests, in the order given, all at one moment.
--
-- KEYS  1 coupon · 2 outbox · then for each request: user, session
-- ARGV  1 wrong hidden codes within the window that lock a user out · 2 the window, which is also the length of the lock (ms)
--       3 entries of the outbox from which on nothing is accepted
--       then for each request: tail (the last 22 characters of the redemption's id), code digest (64 hexadecimal digits; '' for
--       that of the request before: most of a sale enter one code)
-- REPLY array: the coupon's price ('' where it is not loaded), the first 14 characters of the ids accepted now ('' where none was),
--       then for each request its code, and behind a space the value, where one is named here
--
--   accepted             (the id is the 14 characters and the tail)
--   replayed             redemption id: this request was accepted before (the stored id has its tail). It is stored once more,
--                        so that this call has a write for WAIT to wait for
--   already_redeemed     redemption id
--   sold_out
--   insufficient_credit
--   wrong_code
--   too_many_attempts    seconds until the lock ends, rounded up
--   coupon_not_started   the first moment of the sale (ms)
--   coupon_paused
--   coupon_ended
--   coupon_not_loaded
--   user_not_loaded
--   session_revoked
--   backlog_full
--
-- Checked in this order: coupon loaded, user loaded in the coupon's epoch, session exists, locked out, replay, coupon's state
-- and window, code, already redeemed, stock, credit, room in the outbox. A replay comes before the window, because whoever lost
-- the answer to a request that was accepted in the last moment of a sale must be told so after it. It needs the right code, as
-- the request had.
-- A wrong code counts as a try whatever the coupon's state and window, so that nobody can try codes faster before a
-- sale than during it.
--
-- Without the flag allow-oom Redis refuses the whole call at maxmemory, before its first command: nothing is half done.
-- Numbers go to redis.call by '%d': as numbers Redis would write them by '%.17g', which takes three times as long, and joined to a
-- string they could become 1e+15.

local call = redis.call
local sub = string.sub
local format = string.format

local count = (#KEYS - 2) / 2
if count < 1 or count > 64 or count % 1 ~= 0 or #ARGV ~= 3 + 2 * count then
    return redis.error_reply('ERR redeem: wrong number of keys or arguments')
end

local coupon_key, outbox = KEYS[1], KEYS[2]
local coupon = call('HMGET', coupon_key, 'epoch', 'code', 'price', 'left', 'starts', 'ends', 'state')
local epoch = coupon[1]
if not epoch then
    local reply = { '', '' }
    for i = 1, count do
        reply[2 + i] = 'coupon_not_loaded'
    end
    return reply
end

local code, price, left = coupon[2], tonumber(coupon[3]), tonumber(coupon[4])
local coupon_id = string.match(coupon_key, '}:coupon:(.+)$')
local field = 'r:' .. coupon_id
local limit, window, entries_limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local closed, closed_value
local starts, ends = coupon[5], coupon[6]
if coupon[7] ~= 'active' then
    closed = 'coupon_paused'
elseif ends ~= '' and now >= tonumber(ends) then
    closed = 'coupon_ended'
elseif starts ~= '' and now < tonumber(starts) then
    closed, closed_value = 'coupon_not_started', starts
end

-- Most often every session exists, which one call for all of them tells. If not, each is asked for by itself.
local all_exist
if count == 1 then
    all_exist = call('EXISTS', KEYS[4]) == 1
else
    local sessions = {}
    for i = 1, count do
        sessions[i] = KEYS[2 + 2 * i]
    end
    all_exist = call('EXISTS', unpack(sessions)) == count
end

-- What Redis answered to HMGET is also the user's state within this call, so that two requests of one user see each other:
-- 1 epoch, 2 credit, 3 held, 4 locked_until, 5 the redemption of this coupon (only its tail, if accepted in this call);
-- after a wrong code 6 attempts, 7 attempts_since.
local users = {}
local reply = { coupon[3], '' }
local entry = { 'XADD', outbox, '*', 'epoch', epoch, 'coupon', coupon_id, 'price', coupon[3] }
local accepted, accepted_keys, accepted_users = 0, {}, {}
local unfinished = {} -- place in the reply → a tail that still lacks the time before it
local has_room -- of the outbox; asked for when something is to be accepted
local right = false
local replayed -- user key → redemption id
local wrong -- user key → state, of those who sent a wrong code

for i = 1, count do
    local key, tail = KEYS[1 + 2 * i], ARGV[2 + 2 * i]
    local user = users[key]
    if not user then
        user = call('HMGET', key, 'epoch', 'credit', 'held', 'locked_until', field)
        users[key] = user
    end
    local locked_until, redemption = user[4], user[5]
    local digest = ARGV[3 + 2 * i]
    if digest ~= '' then
        right = digest == code
    end
    local result, value

    if user[1] ~= epoch then
        result = 'user_not_loaded'
    elseif not all_exist and call('EXISTS', KEYS[2 + 2 * i]) == 0 then
        result = 'session_revoked'
    elseif locked_until and tonumber(locked_until) > now then
        result, value = 'too_many_attempts', format('%.0f', math.ceil((locked_until - now) / 1000))
    elseif right and redemption and sub(redemption, -22) == tail then
        result, value = 'replayed', redemption
        if #redemption > 22 then
            replayed = replayed or {}
            replayed[key] = redemption
        end
    elseif not right then
        result, value = closed or 'wrong_code', closed_value
        if not user[6] then
            local tries = call('HMGET', key, 'attempts', 'attempts_since')
            user[6], user[7] = tonumber(tries[1] or 0), tonumber(tries[2] or 0)
        end
        if now - user[7] >= window then
            user[6], user[7] = 0, now
        end
        user[6] = user[6] + 1
        if user[6] >= limit then
            user[4], user[6], user[7] = now + window, 0, 0
        end
        wrong = wrong or {}
        wrong[key] = user
    elseif closed then
        result, value = closed, closed_value
    elseif redemption then
        result, value = 'already_redeemed', redemption
    elseif left < 1 then
        result = 'sold_out'
    else
        local credit = user[2] - price
        if has_room == nil then
            has_room = call('XLEN', outbox) < entries_limit
        end
        if credit < 0 then
            result = 'insufficient_credit'
        elseif not has_room then
            result = 'backlog_full'
        else
            result = 'accepted'
            left = left - 1
            user[2], user[3], user[5] = credit, user[3] + price, tail
            accepted = accepted + 1
            accepted_keys[accepted], accepted_users[accepted] = key, user
            entry[8 + 2 * accepted], entry[9 + 2 * accepted] = sub(key, -36), tail
        end
    end

    if not value then
        reply[2 + i] = result
    elseif #value == 22 then
        reply[2 + i] = result
        unfinished[2 + i] = value
    else
        reply[2 + i] = result .. ' ' .. value
    end
end

-- All is decided; from here on nothing can fail that did not fail above. XADD is first: its id is the time of the redemptions.
if accepted > 0 then
    local id = call(unpack(entry))
    local milliseconds = tonumber(string.match(id, '^%d+'))
    local prefix = format('%08x-%04x-', math.floor(milliseconds / 65536), milliseconds % 65536)
    reply[2] = prefix
    for place, rest in pairs(unfinished) do
        reply[place] = reply[place] .. ' ' .. prefix .. rest
    end
    call('HSET', coupon_key, 'left', format('%d', left))
    for i = 1, accepted do
        local user = accepted_users[i]
        call('HSET', accepted_keys[i], 'credit', format('%d', user[2]), 'held', format('%d', user[3]), field, prefix .. user[5])
    end
end
if replayed then
    for key, redemption in pairs(replayed) do
        call('HSET', key, field, redemption)
    end
end
if wrong then
    for key, user in pairs(wrong) do
        local locked_until = format('%d', user[4] or 0)
        call('HSET', key, 'attempts', format('%d', user[6]), 'attempts_since', format('%d', user[7]), 'locked_until', locked_until)
    end
end
return reply
