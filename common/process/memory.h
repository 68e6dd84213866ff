// memory: returns the memory that only the start of a process needed.
#pragma once

// Some thirty libraries were walked by the dynamic linker and by initialisers. Most of those pages
// are clean copies of files: dropped here, the few that are needed come back from the page cache
// when they are next used. Saves an idle process several MiB of resident memory. Called when it is
// ready, and once more when its first seconds are over (service/stats/process.c).
void memory_give_back(void);
