// Frames of the bus, as a hostile peer may send them.
#include "tests/fuzz/fuzz.h"

#include "bus/protocol.h"

FUZZ(bytes)
{
    struct bus_reader *reader = bus_reader_new();
    struct bus_frame frame;
    struct err err;

    if (bus_read(reader, bytes, &frame, &err)) {
        ASSERT(frame.count <= BUS_ITEMS_LIMIT);
        for (size_t i = 0; i < frame.count && frame.type == BUS_REPLY; i++)
            ASSERT((unsigned)frame.items[i].reply.code < ERR_COUNT);
    }
    bus_reader_free(&reader);
}
