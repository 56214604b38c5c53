-- wrk script: the requests of a file, each once, as `redeem bench replay` takes them: a method, a space, a target; then, each
-- behind a tab, a body and header fields.
--
--   REDEEM_REQUESTS=requests.txt REDEEM_EXPECT='"a"' REDEEM_FILLER='/PING PONG' \
--       wrk -t1 -c64 -d60s -s bench/wrk/replay.lua http://127.0.0.1:7379
--
-- REDEEM_EXPECT: three digits are a status; else a text that the body must have. REDEEM_FILLER: a target for connections that have
-- nothing left to send, a space, and a text that only its answer has.

local folder = debug.getinfo(1, 'S').source:match('^@(.*/)') or './'
local each_once, required = dofile(folder .. 'each_once.lua')

local expected = required('REDEEM_EXPECT')
local status_expected = expected:match('^%d%d%d$') and tonumber(expected)
local filler, filler_text = required('REDEEM_FILLER'):match('^(%S+) (.+)$')

local function prepare(line, blanks)
    local parts = {}
    for part in (line .. '\t'):gmatch('([^\t]*)\t') do
        parts[#parts + 1] = part
    end
    local method, target = parts[1]:match('^(%S+) (%S+)$')
    local headers = {}
    for i = 3, #parts do
        local name, value = parts[i]:match('^([^:]+):%s*(.*)$')
        headers[name] = value
    end
    return wrk.format(method, target, headers, (parts[2] or '') ~= '' and parts[2] .. blanks or nil)
end

local function outcome(status, body)
    if status_expected and status == status_expected or not status_expected and body:find(expected, 1, true) then
        return 'expected'
    end
    if body:find(filler_text, 1, true) then
        return nil
    end
    return 'status ' .. status
end

each_once(required('REDEEM_REQUESTS'), prepare, 'GET ' .. filler .. ' HTTP/1.1\r\nHost: localhost\r\n\r\n', outcome)
