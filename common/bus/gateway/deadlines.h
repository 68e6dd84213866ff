// deadlines: which of many calls expires first, without I/O. A binary heap of call indices with a
// table of their places, so that a call that is answered early is removed in O(log n).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadlines;

struct deadlines *deadlines_new(uint32_t capacity); // indices are below it
void deadlines_free(struct deadlines **deadlines);

void deadlines_add(struct deadlines *deadlines, uint32_t index, int64_t deadline_ms);
void deadlines_remove(struct deadlines *deadlines, uint32_t index); // fine when not there
// False when there is none.
bool deadlines_first(const struct deadlines *deadlines, uint32_t *index, int64_t *deadline_ms);
