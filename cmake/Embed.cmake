# Write the SPIR-V file IN as a C array to OUT. Words are little-endian, as on every target.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1," words "${hex}")
file(WRITE ${OUT} "#include \"shaders.h\"
static const uint32_t words[] = {${words}};
const cgv_shader cgv_shader_${NAME} = {\"${NAME}\", words, ${bytes}};
")
