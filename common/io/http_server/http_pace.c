// http_pace: a client reads its answer in time, or its connection is closed (http_server.h).
//
// Each connection on the list `answering` is checked every REQUEST_TIMEOUT_MS. The bytes that were
// outstanding at one check, or PACE_BYTES of them, must have been taken by the next check. Where
// nothing is outstanding, as in a stream without events, nothing is required. The first check only
// takes note, so an answer that is sent at once costs no system call.
#include "io/http_server/http_h2o.h"

enum { PACE_BYTES = 32 * 1024 };

bool http_pace_is_kept(struct connection *connection)
{
    struct tcp_progress before = connection->pace, now;
    int descriptor;

    if (uv_fileno((const uv_handle_t *)&connection->tcp, &descriptor) != 0 ||
        !tcp_progress_read(descriptor, &now))
        return true;
    now.left += uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp);
    connection->pace = now;
    return now.left == 0 ||
           now.taken - before.taken >= (before.left < PACE_BYTES ? before.left : PACE_BYTES);
}
