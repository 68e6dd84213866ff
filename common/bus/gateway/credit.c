// credit: two limits, messages and bytes; the one reached first applies.
#include "bus/gateway/credit.h"

#include "base/panic.h"

void credit_grant(struct credit *credit, uint32_t messages, uint32_t bytes)
{
    *credit = (struct credit){
        .messages = messages, .bytes = bytes, .messages_granted = messages, .bytes_granted = bytes};
}

// What a request is charged: never more than the whole grant, so that a large one can pass alone.
static uint32_t charge(const struct credit *credit, size_t bytes)
{
    return bytes < credit->bytes_granted ? (uint32_t)bytes : credit->bytes_granted;
}

bool credit_take(struct credit *credit, size_t bytes)
{
    uint32_t charged = charge(credit, bytes);

    if (credit->messages == 0 || credit->bytes < charged)
        return false;
    credit->messages--;
    credit->bytes -= charged;
    return true;
}

void credit_return(struct credit *credit, size_t bytes)
{
    uint32_t charged = charge(credit, bytes);

    ASSERT(credit->messages < credit->messages_granted);
    ASSERT(charged <= credit->bytes_granted - credit->bytes);
    credit->messages++;
    credit->bytes += charged;
}

bool credit_available(const struct credit *credit)
{
    return credit->messages > 0 && credit->bytes > 0;
}
