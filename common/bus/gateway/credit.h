// credit: flow control between one gateway and one worker, without I/O. The worker grants messages
// and bytes in its HELLO; a request takes one message and its size, its reply gives both back. The
// gateway never sends beyond.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credit {
    uint32_t messages, bytes; // left
    uint32_t messages_granted, bytes_granted;
};

void credit_grant(struct credit *credit, uint32_t messages, uint32_t bytes);
// False when either would go below zero; then nothing is taken. A single request larger than the
// whole byte grant passes when nothing else is out, or it could never be sent.
bool credit_take(struct credit *credit, size_t bytes);
void credit_return(struct credit *credit, size_t bytes);
bool credit_available(const struct credit *credit);
