-- Like inbound.lua, but each request comes from the next of many keys. The 20 000 phones are shared out among the tenants,
-- so that there are as many conversations as with one tenant.
-- Arguments: file with a line "credentials number" for each key, name of the run, folder for the ids.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "acknowledged.lua")

function init(args)
    run = args[2]
    id_key = '"messageId":"'
    heads, tails = {}, {}
    for line in io.lines(args[1]) do
        local credentials, number = line:match("(%S+) (%S+)")
        heads[#heads + 1] = "POST /nexus/v3/sms/message HTTP/1.1\r\nHost: nexus\r\nAuthorization: Basic " .. credentials ..
                            "\r\nContent-Type: application/json\r\nContent-Length: "
        tails[#tails + 1] = '","shortcode":"' .. number ..
                            '","message":"Is my parcel on its way? I am at home until five o\'clock."}'
    end
    journal_open(args[3], run)
end

function request()
    sent = sent + 1
    local key = sent % #heads + 1
    local body = '{"message_id":"' .. run .. "-" .. index .. "-" .. sent ..
                 string.format('","phone_number":"+1650%07d', sent % 20000) .. tails[key]
    return heads[key] .. #body .. "\r\n\r\n" .. body
end
