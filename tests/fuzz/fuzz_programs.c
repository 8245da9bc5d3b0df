// Caches of pipelines. Only one whose checksum is right goes to the driver; the source is included
// to see what would.
#include "gpu/program.c"

#include "consume.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t length;
    const char *path = fuzz_file(data, size);
    uint8_t *loaded = load_cache(path, &length);
    fuzz_expect(!loaded == !length);
    if (loaded) {
        uint64_t sum;
        memcpy(&sum, data, sizeof sum);
        fuzz_expect(length == size - sizeof sum && sum == checksum(loaded, length));
    }
    free(loaded);
    return 0;
}
