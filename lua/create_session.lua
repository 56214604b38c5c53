#!lua
-- Creates a session: records a login.
--
-- KEYS  1 session · 2 sessions of the user
-- ARGV  1 idle lifetime (ms) · 2 absolute lifetime (ms) · 3 how many sessions a user may have
--       then pairs of a field and its value: user, role, version, refresh, device, address
-- REPLY array: a code, then for too_many_sessions: the ids of the sessions to end, those that expire first
--
--   created
--   session_exists      nothing changed
--   too_many_sessions   nothing changed: end the sessions that the reply names, and try again
--
-- The session's key expires at the end of its idle lifetime, which each refresh begins again, or of its absolute lifetime, which nothing
-- prolongs. The user's list of sessions is sorted by expiry, and each login removes the expired ones from it.

local call = redis.call
local session_key, sessions_key = KEYS[1], KEYS[2]
local idle, absolute, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if #KEYS ~= 2 or #ARGV < 5 or #ARGV % 2 ~= 1 or not idle or idle < 1 or not absolute or absolute < 1 or not most or most < 1 then
    return redis.error_reply('ERR create_session: wrong keys or arguments')
end
if call('EXISTS', session_key) == 1 then
    return { 'session_exists' }
end

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
call('ZREMRANGEBYSCORE', sessions_key, '-inf', now)
local surplus = call('ZCARD', sessions_key) - most
if surplus >= 0 then
    return { 'too_many_sessions', unpack(call('ZRANGE', sessions_key, 0, math.min(surplus, 999))) }
end

local ends = now + absolute
local expiry = math.min(now + idle, ends)
call('HSET', session_key, 'created', now, 'used', now, 'ends', ends, unpack(ARGV, 4))
call('PEXPIREAT', session_key, expiry)
call('ZADD', sessions_key, expiry, string.sub(session_key, -36))
-- The list lives as long as its last session.
local last = call('ZRANGE', sessions_key, -1, -1, 'WITHSCORES')[2]
call('PEXPIREAT', sessions_key, last)
return { 'created' }
