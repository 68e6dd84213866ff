-- Common part of the scripts for wrk: each connection sends its next request as soon as the last one is answered, and a file
-- records the message id of every 2xx for the audit. A script does this, and defines init() and request():
--
--   dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "acknowledged.lua")
--   id_key = '"messageId":"'     -- the text before the id in an answer
--   journal_open(folder, run)    -- in init(): makes the file folder/run-thread
local threads = {}

sent, refused, acknowledged = 0, 0, {}

function setup(thread)
    thread:set("index", #threads + 1)
    table.insert(threads, thread)
end

function journal_open(folder, run)
    journal = folder .. "/" .. run .. "-" .. index
    io.open(journal, "w"):close()
end

local function append(path, ids)
    local out = io.open(path, "a")
    for i = 1, #ids do out:write(ids[i], "\n") end
    out:close()
end

function response(status, headers, body)
    if status ~= 200 then
        refused = refused + 1
        return
    end
    local at = string.find(body, id_key, 1, true) + #id_key
    acknowledged[#acknowledged + 1] = string.sub(body, at, at + 35)
    if #acknowledged == 1000 then
        append(journal, acknowledged)
        acknowledged = {}
    end
end

-- wrk has no hook at the end of a thread, only one at the end of the run, in another Lua state.
function done(summary, latency, requests)
    local refused = 0
    for _, thread in ipairs(threads) do
        refused = refused + thread:get("refused")
        append(thread:get("journal"), thread:get("acknowledged"))
    end
    local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
    print(string.format('RESULT {"seconds":%.3f,"refused":%d,"socketErrors":%d,"latencyMs":{"p50":%.2f,"p99":%.2f}}',
        summary.duration / 1e6, refused, lost, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
