# Write the text file IN as the C string NAME to OUT.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "extern const char ${NAME}[];
const char ${NAME}[] = {${bytes}0};
")
