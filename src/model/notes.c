#include "model/notes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SIDE = 16384 };

// Bytes of the control character at `text`, 0: none is there. U+0080 to U+009F are as C2 80 to
// C2 9F, and some terminals obey them too.
static size_t control(const char *text) {
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    if (first < ' ' || first == 0x7f)
        return 1;
    return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

static bool continues(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

void cgv_notes_clean(char *line, size_t size, const char *text) {
    size_t length = 0, skip;
    while (*text && length + 1 < size) {
        skip = control(text);
        line[length++] = skip ? ' ' : *text;
        text += skip ? skip : 1;
    }
    if (*text && continues(*text)) { // cut in the middle of a character: take its beginning away
        while (length && continues(line[length - 1]))
            length--;
        length -= length > 0;
    }
    line[length] = 0;
}

static void read_size(cgv_state_notes *out, const char *text) {
    int width, height, end = 0;
    if (sscanf(text, "%5dx%5d%n", &width, &height, &end) != 2 || text[end] || width < 1 ||
        width > MAX_SIDE || height < 1 || height > MAX_SIDE)
        return;
    out->train_width = width;
    out->train_height = height;
}

void cgv_notes_read_one(cgv_state_notes *out, const char *key, const char *value) {
    if (!strcmp(key, "description"))
        cgv_notes_clean(out->description, sizeof out->description, value);
    else if (!strcmp(key, "train_size"))
        read_size(out, value);
}

void cgv_notes_read(cgv_state_notes *out, const cgv_safetensors *file) {
    static const char *const keys[] = {"description", "train_size"};
    *out = (cgv_state_notes){0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = cgv_safetensors_find_note(file, keys[i]);
        if (value)
            cgv_notes_read_one(out, keys[i], value);
    }
}

void cgv_notes_list(cgv_safetensors_note list[CGV_MAX_NOTES], int *count,
                    const cgv_state_notes *notes, const char *architecture, char size[32]) {
    *count = 0;
    if (architecture)
        list[(*count)++] = (cgv_safetensors_note){"architecture", architecture};
    if (*notes->description)
        list[(*count)++] = (cgv_safetensors_note){"description", notes->description};
    if (notes->train_width && notes->train_height) {
        snprintf(size, 32, "%dx%d", notes->train_width, notes->train_height);
        list[(*count)++] = (cgv_safetensors_note){"train_size", size};
    }
}
