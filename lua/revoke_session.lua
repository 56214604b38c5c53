#!lua flags=allow-oom
-- Ends a login. Once this is answered the session redeems nothing, since redeem.lua asks whether it exists.
--
-- KEYS  1 session · 2 sessions of the user
-- REPLY a code
--
--   revoked
--   session_not_found
--
-- allow-oom: it only deletes, and a full Redis must not keep a stolen session alive.

if #KEYS ~= 2 then
    return redis.error_reply('ERR revoke_session: wrong number of keys')
end
local existed = redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], string.sub(KEYS[1], -36))
return existed == 1 and 'revoked' or 'session_not_found'
