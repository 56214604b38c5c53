-- Callbacks for wrk that send each of many prepared requests once, count the outcomes, and time the span from the first request
-- to the last answer. The span is measured here, because wrk's own figure also counts the time after the last one.
--
-- Returns two functions. required(name): the value of an environment variable. And
-- each_once(path, prepare, filler, outcome)
--   path                   a file
--   prepare(line, blanks)  one line of it → the text of its request. A body of JSON must end with the blanks: LuaJIT's hash of a long
--                          string looks at its last bytes and at few others, so requests that are equal there are compared with
--                          each other, which took minutes
--   filler                 a request for connections that are free when there is none left; its outcome must be nil
--   outcome(status, body)  what to count an answer as
--
-- Thread n of $REDEEM_WRK_THREADS (default 1; the same number as wrk's -t) takes every line whose number modulo the threads is n.
-- With one thread wrk ends as soon as all is answered; with more it ends after -d.

local ffi = require('ffi')
ffi.cdef [[
    typedef struct { long seconds, nanoseconds; } each_once_time;
    int clock_gettime(int clock, each_once_time *time);
    int getpid(void);
    int kill(int process, int signal);
]]
local MONOTONIC, THREAD_CPU, SIGINT = 1, 3, 2

local scratch = ffi.new('each_once_time')
local function read(clock)
    ffi.C.clock_gettime(clock, scratch)
    return tonumber(scratch.seconds) + tonumber(scratch.nanoseconds) / 1e9
end

local threads = tonumber(os.getenv('REDEEM_WRK_THREADS') or '1')
local started = {} -- in wrk's main state only

local function required(name)
    return os.getenv(name) or error(name .. ' is not set')
end

local BLANKS = { ' ', '\t', '\r', '\n' }
-- Eight blanks, others for each of 65,536 numbers in a row.
local function blanks(count)
    local text = ''
    for _ = 1, 8 do
        local digit = count % 4
        text = text .. BLANKS[digit + 1]
        count = (count - digit) / 4
    end
    return text
end

local function each_once(path, prepare, filler, outcome)
    function setup(thread)
        thread:set('number', #started)
        started[#started + 1] = thread
    end

    -- Globals, because `done` can read only those from another state.
    counts, first, last, cpu, answered, total = {}, 0, 0, 0, 0, 0

    function init()
        local requests, line_number = {}, 0
        for line in io.lines(path) do
            if line_number % threads == number then
                requests[#requests + 1] = prepare(line, blanks(line_number))
            end
            line_number = line_number + 1
        end
        total = #requests

        local sent = 0
        local asked = number > 0 -- wrk asks the first thread once more, to see the request, and does not send that one
        function request()
            if sent == total or not asked then
                asked = true
                return filler
            end
            if sent == 0 then
                first, cpu = read(MONOTONIC), -read(THREAD_CPU)
            end
            sent = sent + 1
            return requests[sent]
        end
    end

    function response(status, headers, body)
        local name = outcome(status, body)
        if not name then
            return
        end
        counts[name] = (counts[name] or 0) + 1
        answered = answered + 1
        if answered == total then
            last, cpu = read(MONOTONIC), cpu + read(THREAD_CPU)
            wrk.thread:stop()
            if threads == 1 then
                ffi.C.kill(ffi.C.getpid(), SIGINT) -- as Ctrl-C: wrk prints its summary at once
            end
        end
    end

    function done(summary, latency, requests)
        local all, from, to, used, sums = 0, math.huge, 0, 0, {}
        for _, thread in ipairs(started) do
            all = all + thread:get('answered')
            from = math.min(from, thread:get('first'))
            to = math.max(to, thread:get('last'))
            used = used + thread:get('cpu')
            if thread:get('answered') < thread:get('total') then
                to = math.huge
            end
            for name, count in pairs(thread:get('counts')) do
                sums[name] = (sums[name] or 0) + count
            end
        end
        local seconds = to - from
        if to == math.huge then
            seconds = summary.duration / 1e6
            io.write('not all requests were answered in time\n')
        end
        local errors = summary.errors
        io.write(string.format('answers %d in %.3f s: %.0f a second; p50 %.2f ms, p99 %.2f ms; socket errors %d\n',
            all, seconds, all / seconds, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
            errors.connect + errors.read + errors.write + errors.timeout))
        if to < math.huge then
            io.write(string.format('cpu %.2f us of wrk for each\n', used / all * 1e6))
        end
        for name, count in pairs(sums) do
            io.write(string.format('outcome %s %d\n', name, count))
        end
    end
end

return each_once, required
