// routes: the page about the endpoints, and about who may call them.
#pragma once

#include <stdio.h>

void write_routes(FILE *out);
