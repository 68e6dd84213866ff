-- Like inbound.lua, but each request comes from the next of many keys. The 20 000 phones are shared out among the tenants,
-- so that there are as many conversations as with one tenant.
-- Arguments: file with a line "credentials number" for each key, all of one length, name of the run, folder for the ids.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "acknowledged.lua")

function init(args)
    local file = io.open(args[1])
    keys, run = file:read("*a"), args[2] -- one text: as a table of 50 000 they would be looked through by the collector
    file:close()
    length, blank = keys:find("\n"), keys:find(" ")
    id_key = '"messageId":"'
    head = "POST /nexus/v3/sms/message HTTP/1.1\r\nHost: nexus\r\nAuthorization: Basic "
    tail = '","message":"Is my parcel on its way? I am at home until five o\'clock."}'
    journal_open(args[3], run)
end

function request()
    sent = sent + 1
    local at = sent * length % #keys
    local body = '{"message_id":"' .. run .. "-" .. index .. "-" .. sent ..
                 string.format('","phone_number":"+1650%07d","shortcode":"', sent % 20000) ..
                 keys:sub(at + blank + 1, at + length - 1) .. tail
    return head .. keys:sub(at + 1, at + blank - 1) .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body ..
           "\r\n\r\n" .. body
end
