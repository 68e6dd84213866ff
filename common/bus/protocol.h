// protocol: the messages of the bus. One ROUTER in each gateway, one DEALER from each worker to
// each gateway. A ZeroMQ message body is one frame: a msgpack array [protocol, type, fields…],
// bounded by wire/msgpack/msgpack_bounds.h before it is read; fields are appended only, an unknown
// tail is skipped. A frame that breaks the rules is counted and its sender dropped (bus_gateway.h,
// bus_worker.h). Lists gather what one round of the loop brings.
//
// clang-format off
//   worker → gateway   HELLO      service, instance, incarnation, build, credit messages, credit bytes
//                      REPLY      [[request, code, payload], …]   code by name; payload: JSON text, or the error's text
//                      HEARTBEAT  load (requests in work), db ready, cache ready, [[queue, depth, age of its oldest in ms], …],
//                                 [[code of a reason why health is not green, what it is about], …]
//                      DRAIN      this worker finishes its requests; send it no new ones
//                      BYE        closing; unanswered requests may be sent elsewhere
//                      EVENT      [[topic (tenant number), payload], …]
//                      DOORBELL   [destination, …]                passed on to all sms-workers
//   gateway → worker   WELCOME    gateway instance, build
//                      REQUEST    [[envelope, payload], …]
//                      HEARTBEAT
//                      DRAIN      confirmed: no request follows
//                      DOORBELL   [destination, …]
//                      HELLO      this gateway does not know the worker (it restarted, or dropped it): send HELLO
// clang-format on
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "bus/health_reason.h"
#include "wire/msgpack/envelope.h"

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
    BUS_ITEMS_LIMIT = 1024,      // of one list
    BUS_BELLS_LIMIT = 256,       // destinations rung in one round of the loop
    BUS_QUEUES_LIMIT = 16,       // of a heartbeat; more are not reported
    BUS_QUEUE_NAME_LIMIT = 31,   // bytes
    BUS_NAME_LIMIT = 64,         // bytes of an instance or build
    BUS_HIGH_WATER_MARK = 4096,  // frames; far above what credit lets pass
    BUS_ITEM_LIMIT = 960 * 1024, // a request or reply, with its envelope
};

struct bus_hello {
    enum service_id service;
    struct str instance, build;
    uint64_t incarnation;
    uint32_t credit_messages, credit_bytes;
};

// A queue behind the bus, as its worker measured it last.
struct bus_queue {
    char name[BUS_QUEUE_NAME_LIMIT + 1];
    uint64_t depth, oldest_ms;
};

struct bus_heartbeat {
    uint32_t load;
    bool db_ready, cache_ready;
    const struct bus_queue *queues;
    size_t queue_count;
    struct health_reasons reasons;
};

struct bus_welcome {
    struct str instance, build;
};

// One element of a list, by the type of its frame.
union bus_item {
    struct bus_reply {
        uint64_t request;
        enum err_code code;
        struct str payload;
    } reply;
    struct bus_request {
        struct str envelope; // encoded: wire/msgpack/envelope.h
        struct str payload;
    } request;
    struct bus_event {
        struct str topic, payload;
    } event;
    uint32_t destination;
};

struct bus_frame {
    enum bus_frame_type type;
    bool bare; // without fields, as a gateway sends HELLO and HEARTBEAT
    struct bus_hello hello;
    struct bus_heartbeat heartbeat;
    struct bus_welcome welcome;
    const union bus_item *items; // REPLY, REQUEST, EVENT, DOORBELL
    size_t count;
};

// Reads frames. What a frame points at is valid until the next one, and while bytes is.
struct bus_reader;
struct bus_reader *bus_reader_new(void);
void bus_reader_free(struct bus_reader **reader);
MUST_USE bool bus_read(struct bus_reader *reader, struct str bytes, struct bus_frame *frame,
                       struct err *err);

// Each clears out and writes one frame.
void bus_write_hello(struct buf *out, const struct bus_hello *hello);
void bus_write_heartbeat(struct buf *out, const struct bus_heartbeat *heartbeat);
void bus_write_welcome(struct buf *out, const struct bus_welcome *welcome);
void bus_write_bare(struct buf *out, enum bus_frame_type type);

// A list that grows until it leaves as one frame. Zeroed: empty.
struct bus_list {
    struct buf items;
    struct buf scratch;
    uint32_t count;
};

void bus_list_release(struct bus_list *list);
void bus_list_clear(struct bus_list *list);
// False: send what there is first. bytes is what the next item carries.
bool bus_list_has_room(const struct bus_list *list, size_t bytes);
void bus_list_reply(struct bus_list *list, uint64_t request, enum err_code code,
                    struct str payload);
void bus_list_request(struct bus_list *list, const struct envelope *envelope, struct str payload);
void bus_list_event(struct bus_list *list, struct str topic, struct str payload);
// The frame of all items.
void bus_list_frame(const struct bus_list *list, enum bus_frame_type type, struct buf *out);

// Doorbells of one round: a destination is listed once. Doorbells that do not fit are dropped; they
// only save waiting, because the workers look by themselves every few seconds.
struct bus_bells {
    uint32_t destinations[BUS_BELLS_LIMIT];
    uint32_t count;
};

void bus_bells_add(struct bus_bells *bells, uint32_t destination);
void bus_write_bells(struct buf *out, const struct bus_bells *bells);
