#!lua
-- Records a login.
--
-- KEYS  1 session · 2 sessions of the user
-- ARGV  1 idle lifetime (ms) · then pairs of field and value: user, role, username, refresh, device, address
-- REPLY a code
--
--   created
--   session_exists   nothing changed
--
-- The session's key dies with its lifetime; the list is by expiry, and each login drops what expired from it.

local call = redis.call
local session_key, sessions_key = KEYS[1], KEYS[2]
local lifetime = tonumber(ARGV[1])
if #KEYS ~= 2 or #ARGV < 3 or #ARGV % 2 ~= 1 or not lifetime or lifetime < 1 then
    return redis.error_reply('ERR create_session: wrong keys or arguments')
end
if call('EXISTS', session_key) == 1 then
    return 'session_exists'
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
call('HSET', session_key, 'created', now, 'used', now, unpack(ARGV, 2))
call('PEXPIREAT', session_key, now + lifetime)
call('ZREMRANGEBYSCORE', sessions_key, '-inf', now)
call('ZADD', sessions_key, now + lifetime, string.sub(session_key, -36))
-- The list lives as long as its last session.
local last = call('ZRANGE', sessions_key, -1, -1, 'WITHSCORES')[2]
call('PEXPIREAT', sessions_key, last)
return 'created'
