// Against msgpack-c: what is called bounded it must parse whole, without more memory than the bytes
// are worth; and the check itself allocates nothing.
#include "fuzz.h"

#include "wire/msgpack_bounds.h"

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
    // Two objects for each entry of a map are the most that a byte can ask for; zones double.
    ASSERT(allocated_bytes <= 32768 + bytes.len * sizeof(msgpack_object_kv) * 4);
    msgpack_unpacked_destroy(&unpacked);
}
