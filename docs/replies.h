// replies: the page about what replies hold.
#pragma once

#include <stdio.h>

void write_replies(FILE *out);
