// Compared with msgpack-c: it must parse all bytes that the check accepts, with memory in proportion to the
// bytes; and the check itself allocates nothing.
#include "tests/fuzz/fuzz.h"

#include "wire/msgpack/msgpack_bounds.h"

#include <msgpack.h>
#include <sanitizer/allocator_interface.h>

static size_t allocations, allocated_bytes;

static void on_malloc(const volatile void *memory, size_t size)
{
    (void)memory;
    allocations++;
    allocated_bytes += size;
}

static void on_free(const volatile void *memory)
{
    (void)memory;
}

FUZZ(bytes)
{
    static bool hooked;
    if (!hooked)
        hooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);

    allocations = 0;
    bool bounded = msgpack_is_bounded(bytes);
    ASSERT(allocations == 0);
    if (!bounded)
        return;

    msgpack_unpacked unpacked;
    size_t offset = 0;
    allocated_bytes = 0;
    msgpack_unpacked_init(&unpacked);
    ASSERT(msgpack_unpack_next(&unpacked, bytes.ptr, bytes.len, &offset) == MSGPACK_UNPACK_SUCCESS);
    ASSERT(offset == bytes.len);
    // One byte can demand at most two objects, for an entry of a map; msgpack-c doubles the size of its zones.
    ASSERT(allocated_bytes <= 32768 + bytes.len * sizeof(msgpack_object_kv) * 4);
    msgpack_unpacked_destroy(&unpacked);
}
