#include "consume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cgv_state_dict dict;
    fuzz_listen();
    cgv_status status = cgv_safetensors_parse(&dict, data, size, "fuzz");
    fuzz_consume(status, &dict, size);
    return 0;
}
