// Checkpoints of a training run, as far as they are read without a device.
#include "consume.h"
#include "memory_file.h"
#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = fuzz_file(data, size);
    fuzz_listen();
    fuzz_expect_messages(cgv_checkpoint_verify(path) ? 1 : 0);
    return 0;
}
