// export_file: provision_export()'s answer (db/functions/administration/apply.sql) as the file that apply takes.
#pragma once

#include "base/buf.h"
#include "wire/json/codec_json.h"

void export_file_write(const struct json_view *stored, struct buf *json);
