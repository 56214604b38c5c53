#!lua
-- Applies one entry of the control log to Redis. Entries are applied in order and exactly once, since the same call moves the number of
-- the last applied entry, `control`, which the shard's record has.
--
-- KEYS  1 shard · 2 the coupon that the entry changes, or users · for redemption_dropped 3 the coupon
-- ARGV  1 epoch · 2 sequence number · 3 mark: the moment at which Postgres wrote the entry (µs). The shard's record keeps the mark of
--         its last entry: if Postgres has another mark under that number, Postgres went back in time, and operators went on
--       4 kind, then by kind
--         coupon_created     code digest, price, left, starts (ms or ''), ends (ms or ''), state
--         coupon_state       state
--         coupon_restocked   amount
--         credit_granted     amount, user (16 bytes)
--         redemption_dropped redemption id (22 characters), price, user (16 bytes)
--         user_sessions_revoked, sessions_revoked, shard_rebuild
--                            no more arguments: the caller has ended the sessions, or another shard is rebuilt. Only the
--                            control number moves, and key 2 is not used
-- REPLY a code
--
--   applied
--   already_applied         the shard has this entry
--   gap                     the shard lacks an entry before this one
--   wrong_epoch             the shard is closed or of another epoch
--   coupon_not_loaded       the entry changes a coupon that the shard does not have
--   coupon_already_loaded   the entry creates a coupon that the shard has
--   amount_out_of_range     the sum would be above 2^53 - 1
--
-- Only `applied` changes anything. The last three codes say that Redis and Postgres differ, which a rebuild mends.
-- A grant to a user who is not loaded only moves the control number: the user's snapshot will contain the grant. A grant that the
-- loaded snapshot contains already (sequence ≤ the control of the user's record) is not added again.
-- A dropped redemption is given back only if the user's record has it: a user who was loaded after the drop has not paid for it.
-- redeem.lua describes the form of a user's record.

local call = redis.call
local shard_key, key = KEYS[1], KEYS[2]
local epoch, sequence, kind = ARGV[1], tonumber(ARGV[2]), ARGV[4]
local greatest = 9007199254740991

local function is_amount(text)
    return text and string.find(text, '^%d+$') and tonumber(text) <= greatest
end
local function is_time(text)
    return text == '' or is_amount(text)
end
local function is_state(text)
    return text == 'active' or text == 'paused'
end

local valid = #KEYS == (kind == 'redemption_dropped' and 3 or 2) and sequence and sequence >= 1 and is_amount(ARGV[3])
if kind == 'coupon_created' then
    valid = valid and #ARGV == 10 and #ARGV[5] == 64 and is_amount(ARGV[6]) and is_amount(ARGV[7])
        and is_time(ARGV[8]) and is_time(ARGV[9]) and is_state(ARGV[10])
elseif kind == 'coupon_state' then
    valid = valid and #ARGV == 5 and is_state(ARGV[5])
elseif kind == 'coupon_restocked' then
    valid = valid and #ARGV == 5 and is_amount(ARGV[5])
elseif kind == 'credit_granted' then
    valid = valid and #ARGV == 6 and is_amount(ARGV[5]) and #ARGV[6] == 16
elseif kind == 'redemption_dropped' then
    valid = valid and #ARGV == 7 and #ARGV[5] == 22 and is_amount(ARGV[6]) and #ARGV[7] == 16
elseif kind == 'user_sessions_revoked' or kind == 'sessions_revoked' or kind == 'shard_rebuild' then
    valid = valid and #ARGV == 4
else
    valid = false
end
if not valid then
    return redis.error_reply('ERR apply_control: wrong keys or arguments')
end

local shard = call('HMGET', shard_key, 'epoch', 'control')
if shard[1] ~= epoch then
    return 'wrong_epoch'
end
local control = tonumber(shard[2])
if sequence <= control then
    return 'already_applied'
end
if sequence ~= control + 1 then
    return 'gap'
end

-- The user's record, if the hash of users is of this epoch.
local function record_of(user)
    local found = call('HMGET', key, 'epoch', user)
    return found[1] == epoch and found[2]
end

if kind == 'credit_granted' then
    local record = record_of(ARGV[6])
    if record and sequence > struct.unpack('>d', record, 9) then
        local credit = struct.unpack('>d', record) + tonumber(ARGV[5])
        if credit > greatest then
            return 'amount_out_of_range'
        end
        call('HSET', key, ARGV[6], struct.pack('>dd', credit, sequence) .. string.sub(record, 17))
    end
elseif kind == 'redemption_dropped' then
    local redemption = ';' .. string.match(KEYS[3], '}:coupon:(.+)$') .. '=' .. ARGV[5]
    local record = record_of(ARGV[7])
    local first, last
    if record then
        first, last = string.find(record, redemption, string.sub(record, 17, 17) == '!' and 42 or 18, true)
    end
    if first then
        local coupon = call('HMGET', KEYS[3], 'epoch', 'left')
        if coupon[1] ~= epoch then
            return 'coupon_not_loaded'
        end
        local credit, left = struct.unpack('>d', record) + tonumber(ARGV[6]), coupon[2] + 1
        if credit > greatest or left > greatest then
            return 'amount_out_of_range'
        end
        call('HSET', key, ARGV[7], struct.pack('>d', credit) .. string.sub(record, 9, first - 1) .. string.sub(record, last + 1))
        call('HSET', KEYS[3], 'left', left)
    end
elseif kind ~= 'user_sessions_revoked' and kind ~= 'sessions_revoked' and kind ~= 'shard_rebuild' then
    local coupon = call('HMGET', key, 'epoch', 'left')
    local loaded = coupon[1] == epoch
    if kind == 'coupon_created' then
        if loaded then
            return 'coupon_already_loaded'
        end
        call('DEL', key)
        call('HSET', key, 'epoch', epoch, 'code', ARGV[5], 'price', ARGV[6], 'left', ARGV[7], 'starts', ARGV[8], 'ends', ARGV[9],
            'state', ARGV[10])
    elseif not loaded then
        return 'coupon_not_loaded'
    elseif kind == 'coupon_state' then
        call('HSET', key, 'state', ARGV[5])
    else
        local left = coupon[2] + ARGV[5]
        if left > greatest then
            return 'amount_out_of_range'
        end
        call('HSET', key, 'left', left)
    end
end
call('HSET', shard_key, 'control', sequence, 'mark', ARGV[3])
return 'applied'
