// deadlines: which of many calls runs out of time first, without I/O. A binary heap over the calls'
// indices, each of which knows its place, so that one answered early leaves in O(log n).
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
