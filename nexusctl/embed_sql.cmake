# Writes OUTPUT, a C file with the SQL of ROOT/db, so that the binary carries the schema it was built for. Run by
# nexusctl/CMakeLists.txt.
function(embed pattern array)
  file(GLOB files ${ROOT}/db/${pattern}) # sorted by name, which is the order of the migrations
  set(rows "")
  set(number 0)
  foreach(file ${files})
    math(EXPR number "${number} + 1")
    get_filename_component(name ${file} NAME_WE)
    file(SHA256 ${file} checksum)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    file(APPEND ${OUTPUT} "static const unsigned char ${array}_${number}[] = {${bytes}0x00};\n")
    string(APPEND rows "    {\"${name}\", \"${checksum}\", (const char *)${array}_${number}},\n")
  endforeach()
  file(APPEND ${OUTPUT} "const struct sql_file ${array}[] = {\n${rows}};\nconst size_t ${array}_count = ${number};\n\n")
endfunction()

file(WRITE ${OUTPUT} "// Made by nexusctl/embed_sql.cmake.\n#include \"nexusctl/sql_files.h\"\n\n")
embed(schema.sql sql_schema)
embed(migrations/*.sql sql_migrations)
embed(functions/*.sql sql_functions)
