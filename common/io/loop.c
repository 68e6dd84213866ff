// loop: the orderly end of a libuv loop.
#include "io/loop.h"

#include "base/panic.h"

struct census {
    unsigned closing;
    const uv_handle_t *open; // one that nobody closed
};

static void census_take(uv_handle_t *handle, void *context)
{
    struct census *census = context;

    if (uv_is_closing(handle))
        census->closing++;
    else
        census->open = handle;
}

void loop_close(uv_loop_t *loop)
{
    while (uv_loop_close(loop) == UV_EBUSY) {
        struct census census = {0};
        uv_walk(loop, census_take, &census);
        // Close callbacks may close more handles, so an open one is a defect only when no callback
        // is left to run. Without any handle a request (a name look-up) is still on its way.
        if (census.open && census.closing == 0)
            panic("a %s handle was not closed",
                  uv_handle_type_name(uv_handle_get_type(census.open)));
        uv_run(loop, UV_RUN_ONCE);
    }
}
