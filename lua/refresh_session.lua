#!lua
-- Exchanges a session's refresh token for the next one, or finds that it was stolen. There is no moment without a valid
-- successor: the token that was presented and its successor change places in this one call.
--
-- KEYS  1 session · 2 sessions of the user
-- ARGV  1 digest of the token presented · 2 digest of the next token · 3 the next token, sealed under the one presented
--       4 idle lifetime (ms) · 5 grace (ms): how long the token before the current one may be repeated
-- REPLY array: a code, then for rotated and repeated: role; for repeated also: the sealed current token
--
--   rotated                the next token is the current one
--   repeated               the token presented was exchanged within the grace, and its holder may have lost the answer: the
--                          current token again, so that there is one successor, however often and from where it is asked for.
--                          Nothing changed.
--   session_not_found
--   refresh_token_reused   the token was exchanged before the grace, so one of two holders is a thief: the session is deleted
--
-- The caller has made sure that the token is one of this service's, so one that is neither current nor the one before it is an
-- older one. A seal is opened with the token that it was made under, so what is stored here gives nobody a token.

local call = redis.call
local session_key, sessions_key = KEYS[1], KEYS[2]
local idle, grace = tonumber(ARGV[4]), tonumber(ARGV[5])
if #KEYS ~= 2 or #ARGV ~= 5 or not idle or idle < 1 or not grace or grace < 0 then
    return redis.error_reply('ERR refresh_session: wrong keys or arguments')
end
local presented = ARGV[1]
local session = call('HMGET', session_key, 'refresh', 'role', 'ends', 'previous', 'sealed', 'rotated')
local current, role, ends = session[1], session[2], tonumber(session[3] or nil)
-- A session that lacks a field is none that this version can go on with.
if not current or not role or not ends then
    return { 'session_not_found' }
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id = string.sub(session_key, -36)
if presented == current then
    call('HSET', session_key, 'refresh', ARGV[2], 'previous', presented, 'sealed', ARGV[3], 'rotated', now, 'used', now)
    local expiry = math.min(now + idle, ends)
    call('PEXPIREAT', session_key, expiry)
    call('ZADD', sessions_key, expiry, id)
    local last = call('ZRANGE', sessions_key, -1, -1, 'WITHSCORES')[2]
    call('PEXPIREAT', sessions_key, last)
    return { 'rotated', role }
end
if presented == session[4] and now < session[6] + grace then
    return { 'repeated', role, session[5] }
end
call('DEL', session_key)
call('ZREM', sessions_key, id)
return { 'refresh_token_reused' }
