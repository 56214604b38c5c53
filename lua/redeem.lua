#!lua
-- Redeems a coupon: decides a batch of 1 to 64 requests, in the order given and all at one moment. For each request that is accepted
-- it decrements the coupon's stock (the field `left`), subtracts the price from the user's credit, and appends to the
-- outbox.
--
-- KEYS  1 coupon · 2 outbox · 3 users · then the session of each request
-- ARGV  1 how many wrong hidden codes within the window lock a user out · 2 the window, which is also the length of the lock (ms)
--       3 how many entries the outbox may have: with as many, nothing more is accepted
--       4 the 16 bytes of each request's user, then the tail of each request: the last 14 characters of the redemption's id
--       5 the code digest that all requests have (64 hexadecimal digits), or a digest for each request
-- REPLY array: the coupon's price ('' where it is not loaded), the first 8 characters of the ids accepted now ('' without any), a letter
--       for each request, then the values that belong to the letters, in order
--
--   a accepted             the id is the 8 characters and the tail
--   r replayed             redemption id: this request was accepted before, since the stored id has its tail. The redemption is
--                          written once more, so that WAIT has a write of this call to wait for
--   d already_redeemed     redemption id
--   o sold_out
--   c insufficient_credit
--   w wrong_code
--   l too_many_attempts    seconds until the lock ends, rounded up
--   n coupon_not_started   the first moment of the sale (ms)
--   p coupon_paused
--   e coupon_ended
--   m coupon_not_loaded
--   u user_not_loaded
--   s session_revoked
--   b backlog_full
--
-- A redemption's id is 16 bytes. Here it is 22 characters of base64url without padding (RFC 4648, section 5): the first 8 are the time
-- in it (48 bits, ms), the other 14 its tail.
--
-- The users are fields of one hash. Its field `epoch` says which epoch the hash is of. The other fields are named by the 16 bytes of a
-- user's id, and their values are records, in this form:
--   8 bytes of credit, 8 bytes of control: the last entry of the control log that the credit contains (doubles, big endian)
--   a blank; or, once wrong codes were entered, `!` and three doubles: attempts, since when they count (ms), locked until (ms)
--   `;coupon=id` for each redemption
-- Ids of coupons and redemptions have neither `;` nor `=`. So `;coupon=` stands behind the doubles only before that coupon's redemption.
--
-- The checks have this order: coupon loaded, user loaded in the coupon's epoch, session exists, locked out, replay, coupon's state
-- and window, code, already redeemed, stock, credit, room in the outbox.
-- A replay is looked for before the window is checked: a client that lost the answer to a request in the last moment of a sale learns
-- after the sale that it was accepted. A replay needs the right code, as the request did that was accepted.
-- A wrong code counts as an attempt in every state of the coupon, so nobody can try codes faster before a sale than during it.
--
-- The script has no flag allow-oom, so Redis at maxmemory refuses the whole call before its first command: nothing is half done.
-- Numbers go to redis.call as text, made by '%d'. Redis would write a number by '%.17g', which takes three times as long, and a number
-- joined to a string could become 1e+15.

local call = redis.call
local sub, find, byte, rep, format = string.sub, string.find, string.byte, string.rep, string.format
local pack, read = struct.pack, struct.unpack

local count = #KEYS - 3
local blob = ARGV[4]
if count < 1 or count > 64 or not (#ARGV == 5 or #ARGV == 4 + count) or #blob ~= 30 * count then
    return redis.error_reply('ERR redeem: wrong number of keys or arguments')
end

local coupon_key, outbox, users = KEYS[1], KEYS[2], KEYS[3]
local coupon = call('HMGET', coupon_key, 'epoch', 'code', 'price', 'left', 'starts', 'ends', 'state')
local epoch = coupon[1]
if not epoch then
    return { '', '', rep('m', count) } -- coupon_not_loaded
end

local code, price, left = coupon[2], tonumber(coupon[3]), tonumber(coupon[4])
local coupon_id = string.match(coupon_key, '}:coupon:(.+)$')
local mark = ';' .. coupon_id .. '='
local limit, window, entries_limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local closed, closed_value
local starts, ends = coupon[5], coupon[6]
if coupon[7] ~= 'active' then
    closed = 'p' -- coupon_paused
elseif ends ~= '' and now >= tonumber(ends) then
    closed = 'e' -- coupon_ended
elseif starts ~= '' and now < tonumber(starts) then
    closed, closed_value = 'n', starts -- coupon_not_started
end

-- Usually all sessions exist, and one call tells so. If one is missing, each is asked for by itself.
local all_exist = call('EXISTS', unpack(KEYS, 4)) == count
local ids = { read(rep('c16', count), blob) }
local tails = { read(rep('c14', count), blob, 16 * count + 1) }
local records = call('HMGET', users, 'epoch', unpack(ids, 1, count))
local are_loaded = records[1] == epoch

-- Users whom this call changes, by the place of a user's first request, so that a second request of the same user sees what the first
-- one did. `changed` has the record that will be written. A redemption accepted now ends it with `;coupon=` alone, since the time in its
-- id is not known yet; `accepted_tail` has the tail of that id.
local place_of, changed, accepted_tail = {}, {}, {}
local letters, values = {}, {}
local unfinished -- by place among the values: the tail of an id whose time is not known yet
local accepted = 0
local has_room -- in the outbox; looked up for the first request that could be accepted
local one_code = #ARGV == 5
local right = ARGV[5] == code

for i = 1, count do
    local id = ids[i]
    local place = place_of[id]
    if not place then
        place, place_of[id] = i, i
    end
    local record = changed[place] or records[place + 1]
    if not one_code then
        right = ARGV[4 + i] == code
    end
    local letter, value

    if not record or not are_loaded then
        letter = 'u' -- user_not_loaded
    elseif not all_exist and call('EXISTS', KEYS[3 + i]) == 0 then
        letter = 's' -- session_revoked
    else
        local head, locked_until = 17, 0
        if byte(record, 17) == 33 then
            head, locked_until = 41, (read('>d', record, 34))
        end
        local _, at = find(record, mark, head + 1, true)
        if locked_until > now then
            letter, value = 'l', format('%.0f', math.ceil((locked_until - now) / 1000)) -- too_many_attempts
        elseif at and right and (accepted_tail[place] or sub(record, at + 9, at + 22)) == tails[i] then
            letter = 'r' -- replayed
            if accepted_tail[place] then
                unfinished = unfinished or {}
                unfinished[#values + 1], value = tails[i], ''
            else
                value = sub(record, at + 1, at + 22)
                changed[place] = record
            end
        elseif not right then
            letter, value = closed or 'w', closed_value -- wrong_code
            local attempts, since = 0, 0
            if head == 41 then
                attempts, since = read('>dd', record, 18)
            end
            if now - since >= window then
                attempts, since = 0, now
            end
            attempts = attempts + 1
            if attempts >= limit then
                attempts, since, locked_until = 0, 0, now + window
            end
            changed[place] = sub(record, 1, 16) .. '!' .. pack('>ddd', attempts, since, locked_until) .. sub(record, head + 1)
        elseif closed then
            letter, value = closed, closed_value
        elseif at then
            letter = 'd' -- already_redeemed
            if accepted_tail[place] then
                unfinished = unfinished or {}
                unfinished[#values + 1], value = accepted_tail[place], ''
            else
                value = sub(record, at + 1, at + 22)
            end
        elseif left < 1 then
            letter = 'o' -- sold_out
        else
            local credit = read('>d', record) - price
            if has_room == nil then
                has_room = call('XLEN', outbox) < entries_limit
            end
            if credit < 0 then
                letter = 'c' -- insufficient_credit
            elseif not has_room then
                letter = 'b' -- backlog_full
            else
                letter = 'a' -- accepted
                left = left - 1 -- decrements the stock
                accepted = accepted + 1
                changed[place], accepted_tail[place] = pack('>d', credit) .. sub(record, 9) .. mark, tails[i]
            end
        end
    end

    letters[i] = letter
    if value then
        values[#values + 1] = value
    end
end

-- Everything is decided. No write below can fail, since reading the same keys would have failed above. XADD is first, because its id is
-- the time of the redemptions.
local prefix = ''
if accepted > 0 then
    local redemptions = blob
    if accepted < count then
        local accepted_ids, accepted_tails = {}, {}
        for i = 1, count do
            if letters[i] == 'a' then
                accepted_ids[#accepted_ids + 1], accepted_tails[#accepted_tails + 1] = ids[i], tails[i]
            end
        end
        redemptions = table.concat(accepted_ids) .. table.concat(accepted_tails)
    end
    local id = call('XADD', outbox, '*', 'epoch', epoch, 'coupon', coupon_id, 'price', coupon[3], 'redemptions', redemptions)
    local rest = tonumber(string.match(id, '^%d+'))
    local digits = {}
    for i = 8, 1, -1 do
        local digit = rest % 64
        digits[i] = byte('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', digit + 1)
        rest = (rest - digit) / 64
    end
    prefix = string.char(unpack(digits))
    for number, tail in pairs(unfinished or {}) do
        values[number] = prefix .. tail
    end
    call('HSET', coupon_key, 'left', format('%d', left))
end
local writes, last = { 'HSET', users }, 2
for i = 1, count do
    local record, tail = changed[i], accepted_tail[i]
    if record then
        writes[last + 1], writes[last + 2] = ids[i], tail and record .. prefix .. tail or record
        last = last + 2
    end
end
if last > 2 then
    call(unpack(writes))
end
return { coupon[3], prefix, table.concat(letters), unpack(values) }
