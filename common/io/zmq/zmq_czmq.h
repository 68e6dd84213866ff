// zmq_czmq: czmq.h without the names that it takes from syslog.h and telemetry/log.h also has. For
// the files of this room, which include it before telemetry/log.h.
#pragma once

#include <czmq.h>

#undef LOG_ERR
#undef LOG_DEBUG
#undef LOG_INFO
