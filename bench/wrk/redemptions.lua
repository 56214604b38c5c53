-- wrk script: one redemption for each access token, through the API.
--
--   REDEEM_TOKENS=tokens.txt REDEEM_COUPON=sale REDEEM_CODE=SALE-2030 wrk -t1 -c64 -d60s -s bench/wrk/redemptions.lua http://127.0.0.1:8080
--
-- The tokens are those that `redeem seed --tokens` writes.

local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
local each_once, required = dofile(folder .. 'each_once.lua')

local path = '/v1/coupons/' .. required('REDEEM_COUPON') .. '/redemptions'
local body = '{"code":"' .. required('REDEEM_CODE') .. '"}'
local headers = { ['Content-Type'] = 'application/json', ['Authorization'] = '' }

local function prepare(token, blanks)
    headers['Authorization'] = 'Bearer ' .. token
    return wrk.format('POST', path, headers, body .. blanks)
end

each_once(required('REDEEM_TOKENS'), prepare, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', function(status)
    return status ~= 200 and tostring(status) or nil
end)
