// protocol: what is said on the bus. One ROUTER in each gateway, one DEALER from each worker to
// each gateway. A ZeroMQ message body is one frame: a msgpack array [protocol, type, fields…],
// bounded by wire/msgpack_bounds.h before it is read; fields are appended only, an unknown tail is
// skipped. A frame that breaks the rules is counted and its sender dropped (bus_gateway.h,
// bus_worker.h).
//
//   worker → gateway   HELLO      service, instance, incarnation, build, credit messages, credit
//   bytes
//                      REPLY      [[request, code, payload], …]   code: enum err_code; payload:
//                      JSON text, or the error's text HEARTBEAT  load (requests in work), db ready,
//                      cache ready DRAIN      finish what I have, send me nothing new BYE gone;
//                      requests still out may be sent elsewhere EVENT      topic (tenant number),
//                      payload DOORBELL   [destination, …]               passed on to all
//                      sms-workers
//   gateway → worker   WELCOME    gateway instance, build
//                      REQUEST    [[envelope, payload], …]
//                      HEARTBEAT
//                      DOORBELL   [destination, …]
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/envelope.h"

enum bus_frame_type {
    BUS_HELLO = 1,
    BUS_REPLY,
    BUS_HEARTBEAT,
    BUS_DRAIN,
    BUS_BYE,
    BUS_EVENT,
    BUS_DOORBELL,
    BUS_WELCOME,
    BUS_REQUEST,
};

enum {
    BUS_HEARTBEAT_MS = 1000,
    BUS_SILENCE_MS = 4000, // after this long without any frame the peer is gone
    BUS_FRAME_LIMIT = 1024 * 1024,
};
