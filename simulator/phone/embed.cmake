# Writes a C table (simulator/phone/phone_page.h) with the content of FILES.
set(arrays "")
set(rows "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char ${identifier}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", ${identifier}, sizeof ${identifier}},\n")
endforeach()
file(WRITE ${TABLE} "#include \"simulator/phone/phone_page.h\"\n\n${arrays}
const struct page_file page_files[] = {\n${rows}};
const size_t page_file_count = sizeof page_files / sizeof page_files[0];\n")
