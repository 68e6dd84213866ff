-- One outbound message for each request, cycling through the conversations of a file.
-- Arguments: token, file of conversation ids, name of the run, folder for the ids.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "acknowledged.lua")

function init(args)
    conversations = {}
    for id in io.lines(args[2]) do conversations[#conversations + 1] = id end
    local body = '{"type":"Text","text":"Your parcel arrives today between noon and two o\'clock."}'
    id_key = '"id":"'
    tail = "/messages HTTP/1.1\r\nHost: nexus\r\nAuthorization: Bearer " .. args[1] ..
           "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
    journal_open(args[4], args[3])
end

function request()
    sent = sent + 1
    return "POST /chat/v3/conversations/" .. conversations[sent % #conversations + 1] .. tail
end
