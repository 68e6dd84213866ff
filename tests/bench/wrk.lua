-- One MO a request, each with an id of its own; remembers the message id of every 2xx, to be looked up afterwards.
-- Arguments: credentials (base64), number, name of the run, folder for the ids.
local threads = {}

function setup(thread)
    thread:set("index", #threads + 1)
    table.insert(threads, thread)
end

function init(args)
    credentials, number, run, folder = args[1], args[2], args[3], args[4]
    sent, acknowledged, refused = 0, {}, 0
    head = "POST /nexus/v3/sms/message HTTP/1.1\r\nHost: nexus\r\nAuthorization: Basic " .. credentials ..
           "\r\nContent-Type: application/json\r\nContent-Length: "
    tail = '","shortcode":"' .. number .. '","message":"Is my parcel on its way? I am at home until five o\'clock."}'
    file = folder .. "/" .. run .. "-" .. index
    io.open(file, "w"):close()
end

function request()
    sent = sent + 1
    local body = '{"message_id":"' .. run .. "-" .. index .. "-" .. sent ..
                 string.format('","phone_number":"+1650%07d', (sent * 7919 + index) % 20000) .. tail
    return head .. #body .. "\r\n\r\n" .. body
end

local function save()
    local out = io.open(file, "a")
    out:write(table.concat(acknowledged, "\n"), "\n")
    out:close()
    acknowledged = {}
end

function response(status, headers, body)
    if status ~= 200 then
        refused = refused + 1
        return
    end
    local at = string.find(body, '"messageId":"', 1, true)
    acknowledged[#acknowledged + 1] = string.sub(body, at + 13, at + 48)
    if #acknowledged == 1000 then save() end
end

-- wrk gives no hook at the end of a thread, only one at the end of all, in another state.
function done(summary, latency, requests)
    local refused = 0
    for _, thread in ipairs(threads) do
        refused = refused + thread:get("refused")
        local rest = thread:get("acknowledged")
        local out = io.open(thread:get("file"), "a")
        for i = 1, #rest do out:write(rest[i], "\n") end
        out:close()
    end
    print(string.format('RESULT {"requests":%d,"seconds":%.3f,"refused":%d,"socketErrors":%d,"p50Ms":%.2f,"p99Ms":%.2f}',
        summary.requests, summary.duration / 1e6, refused,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
