#!lua
-- Limits how often something may happen, by several rates at once. A rate lets a burst through at once, and then one in each interval
-- (GCRA, the generic cell rate algorithm in the form of virtual scheduling: ITU-T I.371).
-- The key of a rate holds one number: the moment at which the whole burst will be free again. The key expires at that moment.
--
-- KEYS  1 and further: each rate
-- ARGV  1 `charge` or `refund` · then for each rate: interval (ms), burst
-- REPLY array: a code, then for allowed and limited, for each rate: how many more it lets through now, ms until its whole burst is free
--       again, ms until it lets the next one through (0: now)
--
--   allowed    each rate was charged once
--   limited    a rate lets nothing through, so no rate was charged
--   refunded   one charge of each rate was taken back

local call = redis.call
local count = #KEYS
local refund = ARGV[1] == 'refund'
local valid = count >= 1 and #ARGV == 1 + 2 * count and (refund or ARGV[1] == 'charge')
for i = 1, valid and count or 0 do
    local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[1 + 2 * i])
    valid = valid and interval and interval >= 1 and burst and burst >= 1
end
if not valid then
    return redis.error_reply('ERR throttle: wrong keys or arguments')
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local unused, limited = {}, false -- `unused`: for each rate the moment at which its whole burst is free again
for i = 1, count do
    local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[1 + 2 * i])
    -- At most the time that a used-up rate takes: the stored moment may be of another clock or of a larger burst.
    unused[i] = math.min(math.max(tonumber(call('GET', KEYS[i]) or now), now), now + burst * interval)
    if refund then
        unused[i] = unused[i] - interval
    elseif unused[i] + interval > now + burst * interval then
        limited = true
    end
end

local reply = { refund and 'refunded' or limited and 'limited' or 'allowed' }
for i = 1, count do
    local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[1 + 2 * i])
    if not refund and not limited then
        unused[i] = unused[i] + interval
    end
    if not limited then
        if unused[i] > now then
            call('SET', KEYS[i], unused[i], 'PXAT', unused[i])
        else
            call('DEL', KEYS[i])
        end
    end
    if not refund then
        local room = now + burst * interval - unused[i]
        reply[3 * i - 1] = math.max(0, math.floor(room / interval))
        reply[3 * i] = unused[i] - now
        reply[3 * i + 1] = math.max(0, interval - room)
    end
end
return reply
