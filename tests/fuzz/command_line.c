#include "command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

#define MODEL "net.safetensors"

// IN: a media file.
static const fuzz_command wanted[FUZZ_COMMANDS] = {
    {.words = "", .right = "-m identity -y -t 0.2 -i IN"},
    {.words = "train",
     .right =
         "-a IN -b IN -o run -arch resnet_1blocks -ngf 2 -ndf 2 -layers 1 -crop 16x16 -steps 1 "
         "-frames 2"},
    {.words = "train", .right = "-resume run"},
    {.words = "eval", .right = "-m identity -a IN -b IN -s 16x16 -limit 2 -o measured"},
    {.words = "bench", .right = "-arch resnet_1blocks -ngf 2 -s 32x32 -n 1"},
    {.words = "model info", .right = MODEL},
    {.words = "model convert", .right = MODEL " out.safetensors"},
    {.words = "models", .right = ""},
};

static void read_option(fuzz_command *command, const char *line) {
    fuzz_option *o = &command->options[command->count];
    int read = 0;
    *o = (fuzz_option){0};
    if (command->count == sizeof command->options / sizeof *command->options ||
        sscanf(line, "  -%31s%n", o->name, &read) != 1)
        return;
    line += read;
    if (line[0] == ' ' && line[1] != ' ' && sscanf(line, " %31s%n", o->value, &read) == 1)
        line += read;
    snprintf(o->help, sizeof o->help, "%s", line);
    command->count++;
}

void fuzz_commands_read(fuzz_command commands[FUZZ_COMMANDS], const char *program) {
    for (int i = 0; i < FUZZ_COMMANDS; i++) {
        char text[4096];
        commands[i] = wanted[i];
        snprintf(text, sizeof text, "'%s' %s -h 2>&1", program, commands[i].words);
        FILE *pipe = popen(text, "r");
        while (pipe && fgets(text, sizeof text, pipe))
            read_option(&commands[i], text);
        if (!pipe || pclose(pipe) || !commands[i].count) {
            fprintf(stderr, "%s %s -h lists no options\n", program, commands[i].words);
            exit(2);
        }
    }
}

void fuzz_line_add(fuzz_line *line, const char *word) {
    if (line->count < FUZZ_WORDS)
        line->words[line->count++] = strdup(word);
    line->words[line->count] = NULL;
}

bool fuzz_line_has(const fuzz_line *line, const char *word) {
    for (int i = 0; i < line->count; i++)
        if (strstr(line->words[i], word))
            return true;
    return false;
}

void fuzz_line_free(fuzz_line *line) {
    for (int i = 0; i < line->count; i++)
        free(line->words[i]);
    *line = (fuzz_line){0};
}

static const char *pick(const char *const *list, cgv_rng *rng) {
    int count = 0;
    while (list[count])
        count++;
    return list[cgv_rng_below(rng, (uint32_t)count)];
}

static void add_words(fuzz_line *line, const char *words, const char *const *inputs, cgv_rng *rng) {
    char text[512], *rest = text;
    snprintf(text, sizeof text, "%s", words);
    for (char *word; (word = strtok_r(rest, " ", &rest));)
        fuzz_line_add(line, strcmp(word, "IN") ? word : pick(inputs, rng));
}

// What help says of an option often names a value.
static void word_of_help(char *to, size_t size, const fuzz_option *option, cgv_rng *rng) {
    char text[sizeof option->help], *rest = text;
    const char *chosen = "";
    uint32_t seen = 0;
    snprintf(text, sizeof text, "%s %s", option->value, option->help);
    for (char *word; (word = strtok_r(rest, " ,;:|()/\n", &rest));)
        if (!cgv_rng_below(rng, ++seen))
            chosen = word;
    snprintf(to, size, "%s", chosen);
}

static void add_option(fuzz_line *line, const fuzz_option *option, const char *const *inputs,
                       cgv_rng *rng) {
    static const char *const small[] = {"0", "1", "2", "3", "0.5", "8", "16", "32", NULL};
    char text[64], help[64];
    snprintf(text, sizeof text, "-%s", option->name);
    fuzz_line_add(line, text);
    if (!*option->value)
        return;
    bool number = strpbrk(option->value, "N01") || strstr(option->value, "TIME");
    word_of_help(help, sizeof help, option, rng);
    switch (cgv_rng_below(rng, 8)) {
    case 0:
    case 1:
        fuzz_line_add(line, fuzz_odd_word(rng));
        break;
    case 2:
        fuzz_line_add(line, cgv_rng_below(rng, 2) ? pick(inputs, rng) : MODEL);
        break;
    default:
        fuzz_line_add(line, number ? pick(small, rng) : help);
    }
}

static void add_output(fuzz_line *line, cgv_rng *rng) {
    static const char *const outputs[] = {
        "out.mp4", "out.mkv", "out.mov",     "out.ts",      "out.webm", "out.gif", "out.png",
        "out.avi", "out.y4m", "out%03d.png", "out%03d.jpg", "out.nut",  "out.wav", "out.m3u8",
        "out.mpd", "out",     "out.apng",    "out.flv",     "-",        NULL};
    // Of FFmpeg's own options some that reach far.
    static const char *const foreign[] = {"g",           "bf",
                                          "profile:v",   "movflags",
                                          "x264-params", "level",
                                          "flags",       "color_range",
                                          "ar",          "ac",
                                          "b:a",         "c:a",
                                          "tune",        "max_interleave_delta",
                                          "field_order", "aspect",
                                          NULL};
    static const char *const encoders[] = {"mpeg4",   "mjpeg", "ffv1", "rawvideo", "png",
                                           "libx264", "h264",  "copy", NULL};
    static const char *const muxers[] = {"null",   "mp4",      "matroska", "nut",
                                         "mpegts", "rawvideo", NULL};
    if (cgv_rng_below(rng, 2)) {
        fuzz_line_add(line, "-c:v");
        fuzz_line_add(line, pick(encoders, rng));
    }
    if (!cgv_rng_below(rng, 4)) {
        fuzz_line_add(line, "-f");
        fuzz_line_add(line, pick(muxers, rng));
    }
    if (!cgv_rng_below(rng, 3)) {
        char text[64];
        snprintf(text, sizeof text, "-%s", pick(foreign, rng));
        fuzz_line_add(line, text);
        fuzz_line_add(line, fuzz_odd_word(rng));
    }
    fuzz_line_add(line, "-o");
    fuzz_line_add(line, pick(outputs, rng));
}

// One word is lost, said twice, or another.
static void damage(fuzz_line *line, cgv_rng *rng) {
    int at = 1 + (int)cgv_rng_below(rng, (uint32_t)line->count - 1);
    switch (cgv_rng_below(rng, 3)) {
    case 0:
        free(line->words[at]);
        memmove(line->words + at, line->words + at + 1,
                (size_t)(line->count - at) * sizeof *line->words);
        line->count--;
        break;
    case 1:
        fuzz_line_add(line, line->words[at]);
        break;
    default:
        free(line->words[at]);
        line->words[at] = strdup(fuzz_odd_word(rng));
    }
}

void fuzz_line_make(fuzz_line *line, const char *program, const fuzz_command *commands,
                    const char *const *inputs, cgv_rng *rng) {
    // Most of the options, and of what can break, are those of a translation.
    uint32_t which = cgv_rng_below(rng, 2 * FUZZ_COMMANDS);
    const fuzz_command *command = &commands[which < FUZZ_COMMANDS ? which : 0];
    fuzz_line_add(line, program);
    add_words(line, command->words, inputs, rng);
    if (cgv_rng_below(rng, 8))
        add_words(line, command->right, inputs, rng);
    for (uint32_t left = cgv_rng_below(rng, 4); left; left--)
        add_option(line, &command->options[cgv_rng_below(rng, (uint32_t)command->count)], inputs,
                   rng);
    if (!*command->words && cgv_rng_below(rng, 12))
        for (uint32_t left = 1 + cgv_rng_below(rng, 4) / 3 * 2; left; left--)
            add_output(line, rng);
    while (line->count > 1 && !cgv_rng_below(rng, 4))
        damage(line, rng);
}
