#!lua
-- Rotates a session's refresh token: one call puts the next token in the place of the presented one, so a valid token exists at every
-- moment. Where the presented token shows that a token was stolen, it deletes the session instead.
--
-- KEYS  1 session · 2 sessions of the user
-- ARGV  1 digest of the presented token · 2 digest of the next token · 3 the next token, sealed under the presented one
--       4 idle lifetime (ms) · 5 grace (ms): how long after a rotation the token before the current one may be presented again
-- REPLY array: a code, then for rotated and repeated: role; for repeated also: the sealed current token
--
--   rotated                the next token is the current one now
--   repeated               the presented token was rotated within the grace, and its holder may have lost the answer. The reply
--                          has the current token again, so a token has one successor however often it is presented.
--                          Nothing changed.
--   session_not_found
--   refresh_token_reused   the presented token was rotated longer ago, so one of its two holders is a thief: the session is deleted
--
-- The caller has checked that this service issued the token. So a token that is neither the current one nor the one before is older.
-- Only the holder of the presented token can open the seal, so the fields stored here yield no token.

local call = redis.call
local session_key, sessions_key = KEYS[1], KEYS[2]
local idle, grace = tonumber(ARGV[4]), tonumber(ARGV[5])
if #KEYS ~= 2 or #ARGV ~= 5 or not idle or idle < 1 or not grace or grace < 0 then
    return redis.error_reply('ERR refresh_session: wrong keys or arguments')
end
local presented = ARGV[1]
local session = call('HMGET', session_key, 'refresh', 'role', 'ends', 'previous', 'sealed', 'rotated')
local current, role, ends = session[1], session[2], tonumber(session[3] or nil)
-- This version cannot go on with a session that lacks one of these fields.
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
