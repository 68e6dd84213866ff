-- One text for each request, each with a unique id, from so many phones.
-- Arguments: credentials (base64), number, name of the run, folder for the ids, number of phones.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "acknowledged.lua")

function init(args)
    credentials, number, run, phones = args[1], args[2], args[3], tonumber(args[5])
    id_key = '"messageId":"'
    head = "POST /nexus/v3/sms/message HTTP/1.1\r\nHost: nexus\r\nAuthorization: Basic " .. credentials ..
           "\r\nContent-Type: application/json\r\nContent-Length: "
    tail = '","shortcode":"' .. number .. '","message":"Is my parcel on its way? I am at home until five o\'clock."}'
    journal_open(args[4], run)
end

function request()
    sent = sent + 1
    local body = '{"message_id":"' .. run .. "-" .. index .. "-" .. sent ..
                 string.format('","phone_number":"+1650%07d', (sent * 7919 + index) % phones) .. tail
    return head .. #body .. "\r\n\r\n" .. body
end
