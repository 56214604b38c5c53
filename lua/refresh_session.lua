#!lua
-- Exchanges a session's refresh token for the next one, or finds that it was stolen.
--
-- KEYS  1 session · 2 sessions of the user
-- ARGV  1 digest of the token presented · 2 digest of the next token · 3 idle lifetime (ms)
-- REPLY array: a code, then for rotated: role, username
--
--   rotated
--   session_not_found
--   refresh_token_reused   the token was exchanged before, so one of two holders is a thief: the session is deleted

local call = redis.call
local session_key, sessions_key = KEYS[1], KEYS[2]
local lifetime = tonumber(ARGV[3])
if #KEYS ~= 2 or #ARGV ~= 3 or not lifetime or lifetime < 1 then
    return redis.error_reply('ERR refresh_session: wrong keys or arguments')
end
local id = string.sub(session_key, -36)
local session = call('HMGET', session_key, 'refresh', 'role', 'username')
if not session[1] then
    return { 'session_not_found' }
end
if session[1] ~= ARGV[1] then
    call('DEL', session_key)
    call('ZREM', sessions_key, id)
    return { 'refresh_token_reused' }
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
call('HSET', session_key, 'refresh', ARGV[2], 'used', now)
call('PEXPIREAT', session_key, now + lifetime)
call('ZADD', sessions_key, now + lifetime, id)
local last = call('ZRANGE', sessions_key, -1, -1, 'WITHSCORES')[2]
call('PEXPIREAT', sessions_key, last)
return { 'rotated', session[2] or '', session[3] or '' }
