// Restricted reader of Python pickles, as torch.save writes them: it builds plain values and
// executes nothing. A pickle is a program for a stack machine that may call anything importable;
// here only the globals of a fixed list exist, and a "call" of one of them is kept as a value
// (which function, which arguments) for the caller to interpret.
#ifndef CGV_MODEL_PICKLE_H
#define CGV_MODEL_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "cgvideo/status.h"
#include "model/dtype.h"

typedef enum cgv_pickle_type {
    CGV_PICKLE_NONE,
    CGV_PICKLE_BOOL,
    CGV_PICKLE_INT,
    CGV_PICKLE_BIG, // an integer beyond 64 bits, as little-endian bytes
    CGV_PICKLE_FLOAT,
    CGV_PICKLE_STRING,
    CGV_PICKLE_GLOBAL,
    CGV_PICKLE_TUPLE,
    CGV_PICKLE_LIST,
    CGV_PICKLE_DICT, // dict and OrderedDict; its chain alternates keys and values
    CGV_PICKLE_CALL,
    CGV_PICKLE_PERSISTENT, // a reference to something outside the pickle: `args` is its id
} cgv_pickle_type;

typedef enum cgv_pickle_global {
    CGV_GLOBAL_ORDERED_DICT,
    CGV_GLOBAL_REBUILD_TENSOR,
    CGV_GLOBAL_REBUILD_PARAMETER,
    CGV_GLOBAL_STORAGE,
} cgv_pickle_global;

#define CGV_PICKLE_END UINT32_MAX

// Values refer to each other by index, so a pickle that builds a cycle is harmless until walked.
typedef struct cgv_pickle_value {
    uint8_t type, global, dtype; // global: of a GLOBAL or CALL; dtype: of a storage's GLOBAL
    uint32_t count;              // bytes of a STRING or BIG; links of a TUPLE, LIST or DICT
    union {
        int64_t integer; // also BOOL
        double number;
        const uint8_t *text; // not terminated; inside the input
        struct {
            uint32_t first, last;
        };             // links of a chain, CGV_PICKLE_END when empty
        uint32_t args; // value
    };
} cgv_pickle_value;

typedef struct cgv_pickle_link {
    uint32_t value, next;
} cgv_pickle_link;

typedef struct cgv_pickle {
    cgv_pickle_value *values;
    cgv_pickle_link *links;
    uint32_t value_count, value_capacity, link_count, link_capacity;
    uint32_t top; // the value of the whole pickle
} cgv_pickle;

// Parse one pickle at the start of data; *used: its length. `data` must outlive *out.
// CGV_ERROR_FORMAT when it is damaged, CGV_ERROR_UNSUPPORTED (naming it) when it refers to a global
// that is not on the list or is beyond the limits on size. On failure *out is empty.
CGV_NODISCARD cgv_status cgv_pickle_parse(cgv_pickle *out, const uint8_t *data, size_t size,
                                          size_t *used, const char *where);
void cgv_pickle_free(cgv_pickle *pickle);

// Item n of a tuple or list, or NULL.
const cgv_pickle_value *cgv_pickle_item(const cgv_pickle *pickle, const cgv_pickle_value *chain,
                                        uint32_t n);
// Does the string equal `text`? False for other types.
int cgv_pickle_is_string(const cgv_pickle_value *value, const char *text);

// Bytes from a file made fit for a message: at most 63 of them, printable.
void cgv_pickle_printable(char out[64], const uint8_t *text, size_t length);

#endif
