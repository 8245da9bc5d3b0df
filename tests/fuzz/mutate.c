#include "mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_WORD = 70000 };

static void die(const char *path) {
    perror(path);
    exit(2);
}

fuzz_bytes fuzz_read(const char *path) {
    fuzz_bytes bytes = {0};
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die(path);
    bytes.size = (size_t)ftell(file);
    bytes.data = malloc(bytes.size + 1);
    rewind(file);
    if (!bytes.data || fread(bytes.data, 1, bytes.size, file) != bytes.size)
        die(path);
    fclose(file);
    return bytes;
}

void fuzz_write(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        die(path);
}

// Replace `old` bytes at `at` by `new` others, which may be some of its own.
static void splice(fuzz_bytes *bytes, size_t at, size_t old, const void *new, size_t size) {
    uint8_t *data = malloc(bytes->size - old + size + 1);
    if (!data)
        die("splice");
    memcpy(data, bytes->data, at);
    if (size)
        memcpy(data + at, new, size);
    memcpy(data + at + size, bytes->data + at + old, bytes->size - at - old);
    free(bytes->data);
    *bytes = (fuzz_bytes){data, bytes->size - old + size};
}

static size_t below(cgv_rng *rng, size_t bound) {
    return bound ? cgv_rng_below(rng, (uint32_t)bound) : 0;
}

// Heads are at the beginning, indices often at the end.
static size_t somewhere(const fuzz_bytes *bytes, cgv_rng *rng) {
    size_t near = bytes->size < 600 ? bytes->size : 600;
    switch (cgv_rng_below(rng, 4)) {
    case 0:
    case 1:
        return below(rng, near);
    case 2:
        return bytes->size - near + below(rng, near);
    default:
        return below(rng, bytes->size);
    }
}

static void lie(fuzz_bytes *bytes, size_t at, cgv_rng *rng) {
    static const uint32_t numbers[] = {0,          1,          0x7f,       0x80,
                                       0xff,       0x7fff,     0x8000,     0xffff,
                                       0x10000000, 0x7fffffff, 0x80000000, 0xffffffff};
    uint32_t number = numbers[below(rng, sizeof numbers / sizeof *numbers)];
    size_t size = (size_t)1 << cgv_rng_below(rng, 3);
    int high_first = cgv_rng_below(rng, 2);
    for (size_t i = 0; i < size && at + i < bytes->size; i++)
        bytes->data[at + i] = (uint8_t)(number >> 8 * (high_first ? size - 1 - i : i));
}

static void replace_word(fuzz_bytes *bytes, size_t at, cgv_rng *rng) {
    static const char ends[] = " ,:[]{}\n";
    static const char *const words[] = {"null",
                                        "true",
                                        "\"\"",
                                        "\"x\"",
                                        "[]",
                                        "{}",
                                        "-1",
                                        "0",
                                        "1e308",
                                        "-1e-400",
                                        "9223372036854775807",
                                        "1,1",
                                        "}",
                                        ","};
    size_t end = at;
    while (at && !memchr(ends, bytes->data[at - 1], sizeof ends))
        at--;
    while (end < bytes->size && !memchr(ends, bytes->data[end], sizeof ends))
        end++;
    const char *word = words[below(rng, sizeof words / sizeof *words)];
    splice(bytes, at, end - at, word, strlen(word));
}

void fuzz_mutate(fuzz_bytes *bytes, cgv_rng *rng) {
    int text = bytes->size && !memchr(bytes->data, 0, bytes->size);
    for (uint32_t left = 1 + cgv_rng_below(rng, 5); left && bytes->size; left--) {
        size_t at = somewhere(bytes, rng);
        size_t some = 1 + below(rng, cgv_rng_below(rng, 2) ? 16 : 2000);
        size_t length = some < bytes->size - at ? some : bytes->size - at;
        switch (text ? 4 + cgv_rng_below(rng, 8) : cgv_rng_below(rng, 9)) {
        case 0:
        case 1:
        case 2:
        case 3:
            lie(bytes, at, rng);
            break;
        case 4:
            bytes->data[at] ^= (uint8_t)(1u << cgv_rng_below(rng, 8));
            break;
        case 5:
            splice(bytes, at, bytes->size - at, NULL, 0);
            break;
        case 6:
            splice(bytes, at, length, NULL, 0);
            break;
        case 7: // a piece from elsewhere, or the same again
            splice(bytes, at, 0, bytes->data + (cgv_rng_below(rng, 2) ? at : bytes->size - length),
                   length);
            break;
        case 8:
            memset(bytes->data + at, (int)cgv_rng_below(rng, 2) - 1, length);
            break;
        default:
            replace_word(bytes, at, rng);
        }
    }
}

const char *fuzz_odd_word(cgv_rng *rng) {
    static const char *const words[] = {
        "",
        "-",
        "--",
        "0",
        "-0",
        "-1",
        "1",
        "1.5",
        "nan",
        "-nan",
        "inf",
        "-inf",
        "1e308",
        "1e-400",
        "0x10",
        "1x",
        "x",
        "0x0",
        "x0",
        "1x1",
        "1/0",
        "0/0",
        "-1/-1",
        "%s%n",
        "%d",
        "%05d",
        ":",
        ":::",
        ",",
        ",,,",
        "=",
        "a=b:c=d",
        "\\",
        "'",
        "\"",
        "[",
        "*",
        "?",
        ".",
        "..",
        "\xff\xfe",
        "\x80",
        "\n",
        "\x1b[2J",
        "auto",
        "none",
        "copy",
        "yes",
        "-i",
        "-o",
        "-y",
        "-h",
        "0:v",
        "-0:a",
        "0:",
        "0:v:99",
        "16384",
        "65536",
        "65537",
        "1e9",
        "99:99",
        "-00:01",
        "12:34:56.7",
        "1e99999",
        "4294967296",
        "2147483648",
        "9223372036854775808",
        "65536x65536",
        "16x99999999999",
        "00000000000000000000000000000000000000000001",
        "rawvideo",
        "gbrpf32le",
        "file:",
        "pipe:",
        "pipe:99",
        "concat:",
        "tee",
        "hls",
        "image2",
        "null",
        "data:",
        "subfile,,start,0,,:",
    };
    enum { WORDS = sizeof words / sizeof *words };
    static _Thread_local char made[LONGEST_WORD + 1];
    uint32_t which = cgv_rng_below(rng, WORDS + 12);
    if (which < WORDS)
        return words[which];
    size_t length = which == WORDS ? LONGEST_WORD : below(rng, which == WORDS + 1 ? 5000 : 12);
    for (size_t i = 0; i < length; i++) {
        made[i] = (char)(which == WORDS ? 'A' : 1 + cgv_rng_below(rng, 255));
        if (made[i] == '/')
            made[i] = '_';
    }
    made[length] = 0;
    return made;
}
