// A compute shader embedded in the library.
#ifndef CGV_GPU_SHADER_H
#define CGV_GPU_SHADER_H

#include <stddef.h>
#include <stdint.h>

typedef struct cgv_shader {
    const char *name;
    const uint32_t *words; // SPIR-V
    size_t bytes;
} cgv_shader;

#endif
