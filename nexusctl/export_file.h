// export_file: provision_export()'s answer (db/functions/apply.sql) as the file that apply takes.
#pragma once

#include "base/buf.h"
#include "wire/codec_json.h"

void export_file_write(const struct json_view *stored, struct buf *json);
