// revision: which build this is. Only one small file contains the commit, so that a new commit
// compiles nothing else.
#pragma once

extern const char revision[];            // "d7239f2": the commit, "unknown" outside of a git tree
extern const char revision_time[];       // of the commit: "2026-11-28T21:12:43+00:00"
extern const char revision_user_agent[]; // "Nexus/d7239f2": User-Agent of our HTTP requests
