#include "app/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *cgv_text_json(const char *name) {
    json_t *text = json_string(name);
    if (text)
        return text;
    size_t length = strlen(name), used = 0;
    char *escaped = malloc(4 * length + 1);
    for (size_t i = 0; escaped && i <= length; i++)
        used += (size_t)sprintf(escaped + used, name[i] & 0x80 ? "\\x%02x" : "%c",
                                (unsigned char)name[i]);
    text = escaped ? json_string(escaped) : NULL;
    free(escaped);
    return text;
}

bool cgv_text_ends_in(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && !strcmp(text + length - tail, end);
}

void cgv_text_time(char *text, size_t size, int64_t microseconds) {
    int64_t s = microseconds / 1000000;
    snprintf(text, size, "%02" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
}
