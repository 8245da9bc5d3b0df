// The container of .safetensors files, for those who stream the numbers; model files go through
// model/state_dict.h.
#ifndef CGV_MODEL_SAFETENSORS_H
#define CGV_MODEL_SAFETENSORS_H

#include <stdio.h>

#include "model/dtype.h"
#include "model/state_dict.h"

typedef struct cgv_safetensors_entry {
    const char *name;
    cgv_dtype dtype;
    int dims;
    int64_t shape[CGV_MAX_DIMS];
    uint64_t begin, end; // bytes after the header
} cgv_safetensors_entry;

typedef struct cgv_safetensors_note {
    const char *key, *value;
} cgv_safetensors_note;

// What the header says, checked: the entries, in the order of their bytes, tile the file.
typedef struct cgv_safetensors {
    cgv_safetensors_entry *entries;
    int count;
    uint64_t start;        // of the numbers in the file
    struct json_t *header; // owns the names and notes
} cgv_safetensors;

// Reads the header of a file and leaves the position after it. On failure *out is empty.
CGV_NODISCARD cgv_status cgv_safetensors_read_header(cgv_safetensors *out, FILE *file,
                                                     const char *where);
void cgv_safetensors_free(cgv_safetensors *file);
// NULL when absent.
const cgv_safetensors_entry *cgv_safetensors_find(const cgv_safetensors *file, const char *name);
const char *cgv_safetensors_find_note(const cgv_safetensors *file, const char *key);

// Writes the header; the numbers of the entries follow, in their order and without gaps. Their
// ranges are computed here. Failed writes show in ferror(file).
CGV_NODISCARD cgv_status cgv_safetensors_write_header(FILE *file, cgv_safetensors_entry *entries,
                                                      int count, const cgv_safetensors_note *notes,
                                                      int note_count, const char *where);

#endif
