// replies: the page about the members of replies.
#pragma once

#include <stdio.h>

void write_replies(FILE *out);
