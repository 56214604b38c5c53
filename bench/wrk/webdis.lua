-- wrk script: the same redemptions as redeem.lua, as EVALSHA calls of the same script through Webdis. No token is checked: the
-- user and the session are read out of it here, beforehand.
--
-- Beside REDEEM_TOKENS and REDEEM_COUPON: REDEEM_SCRIPT_SHA1 and REDEEM_CODE_DIGEST (the field `code` of the coupon in Redis).

local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
local each_once = dofile(folder .. 'each_once.lua')

local function required(name)
    return os.getenv(name) or error(name .. ' is not set')
end

local values = {}
local alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
for i = 1, #alphabet do
    values[alphabet:byte(i)] = i - 1
end

local function from_base64url(text)
    local bytes, bits, held = {}, 0, 0
    for i = 1, #text do
        held, bits = held * 64 + values[text:byte(i)], bits + 6
        if bits >= 8 then
            bits = bits - 8
            local unit = 2 ^ bits
            bytes[#bytes + 1] = string.char(math.floor(held / unit))
            held = held % unit
        end
    end
    return table.concat(bytes)
end

-- The 22 characters of a redemption's id that the client of the script proposes.
local function tail()
    local random = math.random
    return string.format('7%03x-%x%03x-%06x%06x', random(0, 4095), random(8, 11), random(0, 4095), random(0, 16777215),
        random(0, 16777215))
end

math.randomseed(os.time())
local shard = '%7Bs0%7D'
local prefix = 'GET /EVALSHA/' .. required('REDEEM_SCRIPT_SHA1') .. '/4/' .. shard .. ':coupon:' .. required('REDEEM_COUPON') .. '/'
    .. shard .. ':outbox/' .. shard .. ':user:'
-- The limits of the API: 10 wrong codes in 600 s lock a user out.
local suffix = '/' .. required('REDEEM_CODE_DIGEST') .. ' HTTP/1.1\r\nHost: localhost\r\n\r\n'

local function prepare(token)
    local claims = from_base64url(token:match('^[^.]+%.([^.]+)%.'))
    local user, session = claims:match('"sub":"([^"]+)"'), claims:match('"sid":"([^"]+)"')
    return prefix .. user .. '/' .. shard .. ':session:' .. session .. '/10/600000/' .. tail() .. suffix
end

each_once(prepare, 'GET /PING HTTP/1.1\r\nHost: localhost\r\n\r\n', function(status, body)
    if status == 200 and body:find('"accepted"', 1, true) then
        return 'accepted'
    end
    if not body:find('PONG', 1, true) then
        return body:match('"([a-z_]+)"') or ('status ' .. status)
    end
end)
