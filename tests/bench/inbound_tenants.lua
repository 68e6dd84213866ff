-- Like inbound.lua, but each request uses the next of the keys in a file, which may have one or many. The 20 000 phones are
-- divided among the tenants, so that there are as many conversations with many tenants as with one.
-- Arguments: file with a line "credentials number" for each key, all of one length, name of the run, folder for the ids.
dofile(debug.getinfo(1, "S").source:match("@(.*/)") .. "acknowledged.lua")

local ffi = require("ffi")
ffi.cdef "void *malloc(size_t size);"

-- Keeps the file outside the memory of the garbage collector: the more memory the collector manages, the more garbage it leaves,
-- and the longer the next string takes.
local function keep(path)
    local file = io.open(path)
    local text = file:read("*a")
    file:close()
    keys, size = ffi.cast("char *", ffi.C.malloc(#text)), #text
    ffi.copy(keys, text, size)
    length, space = text:find("\n"), text:find(" ")
end

function init(args)
    keep(args[1])
    collectgarbage()
    run = args[2]
    id_key = '"messageId":"'
    head = "POST /nexus/v3/sms/message HTTP/1.1\r\nHost: nexus\r\nAuthorization: Basic "
    tail = '","message":"Is my parcel on its way? I am at home until five o\'clock."}'
    journal_open(args[3], run)
end

function request()
    sent = sent + 1
    local line = keys + sent * length % size
    local body = '{"message_id":"' .. run .. "-" .. index .. "-" .. sent ..
                 string.format('","phone_number":"+1650%07d","shortcode":"', sent % 20000) ..
                 ffi.string(line + space, length - space - 1) .. tail
    return head .. ffi.string(line, space - 1) .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body ..
           "\r\n\r\n" .. body
end
