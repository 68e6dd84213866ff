// revision: the commit as CMake found it; no other file is compiled with it.
#include "base/revision.h"

const char revision[] = NEXUS_REVISION;
const char revision_time[] = NEXUS_REVISION_TIME;
const char revision_user_agent[] = "Nexus/" NEXUS_REVISION;
