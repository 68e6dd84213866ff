// http_pace: whoever is sent an answer takes it, or the connection goes (http_server.h).
//
// Each connection on the list `answering` is looked at every REQUEST_TIMEOUT_MS. What was outstanding at one look must have
// been taken by the next one, or PACE_BYTES of it. Where nothing is outstanding, as in a stream without news, nothing is
// asked. The first look takes note only, so an answer that leaves at once costs no system call.
#include "io/http_h2o.h"

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
