// A file in memory, for parsers that want the name of one.
#ifndef CGV_FUZZ_MEMORY_FILE_H
#define CGV_FUZZ_MEMORY_FILE_H

#include <stddef.h>

// Holds these bytes until the next call. The name is good as long as the process.
const char *fuzz_file(const void *data, size_t size);

#endif
