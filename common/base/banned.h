// banned: C calls that have no safe use here become compile errors. Included by force into every
// file (CMakeLists.txt), after the headers that declare them. The idea is git's banned.h.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define BANNED(call, instead) banned_##call##_use_##instead

#undef strcpy
#define strcpy(...) BANNED(strcpy, buf)
#undef strcat
#define strcat(...) BANNED(strcat, buf)
#undef strncpy
#define strncpy(...) BANNED(strncpy, memcpy)
#undef strncat
#define strncat(...) BANNED(strncat, buf)
#undef strtok
#define strtok(...) BANNED(strtok, str_split)
#undef sprintf
#define sprintf(...) BANNED(sprintf, buf_printf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf, buf_vprintf)
#undef atoi
#define atoi(...) BANNED(atoi, str_to_int)
#undef atol
#define atol(...) BANNED(atol, str_to_int)
#undef gmtime
#define gmtime(...) BANNED(gmtime, gmtime_r)
#undef localtime
#define localtime(...) BANNED(localtime, gmtime_r)
#undef ctime
#define ctime(...) BANNED(ctime, buf_time)
#undef rand
#define rand(...) BANNED(rand, random_next)
#undef usleep
#define usleep(...) BANNED(usleep, uv_timer)
#undef sleep
#define sleep(...) BANNED(sleep, uv_timer)
