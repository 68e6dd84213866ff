// provision_keys: the lists "keys" and "clusterKeys" of the operator's file.
#pragma once

#include "nexusctl/apply/provision_file.h"

MUST_USE bool provision_keys_read(const struct json_view *list, struct str path, const char *name,
                                  struct arena *arena, struct file_key **keys, size_t *count,
                                  struct err *err);
