// provisioning: the page about services and transactions.
#pragma once

#include <stdio.h>

void write_provisioning(FILE *out);
