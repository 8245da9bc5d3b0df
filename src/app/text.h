// Small things about texts that several commands need.
#ifndef CGV_APP_TEXT_H
#define CGV_APP_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A name of a file as JSON: names are bytes, JSON is UTF-8. NULL when out of memory.
json_t *cgv_text_json(const char *name);

// Whether there is something before the end as well: ".pth" is no name.
bool cgv_text_ends_in(const char *text, const char *end);

// HH:MM:SS
void cgv_text_time(char *text, size_t size, int64_t microseconds);

#endif
