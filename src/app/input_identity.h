// What a file that is translated as a long job is recognized by.
#ifndef CGV_APP_INPUT_IDENTITY_H
#define CGV_APP_INPUT_IDENTITY_H

#include <jansson.h>

#include "cgvideo/status.h"

#define CGV_IDENTITY_INPUT "input" // where it stands in the identity of a job

// Its path, size and time of change, as they are now; the caller's.
CGV_NODISCARD cgv_status cgv_input_describe(json_t **out, const char *url);

// CGV_ERROR_FORMAT: it is not what `was` says any more.
CGV_NODISCARD cgv_status cgv_input_check(const json_t *was, const char *url);

#endif
