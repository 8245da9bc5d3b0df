#include "app/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { MAX_WORD = 32 };

static int min3(int a, int b, int c) {
    int m = a < b ? a : b;
    return m < c ? m : c;
}

// Levenshtein distance where a swap of neighbours also counts as one edit.
static int edit_distance(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b);
    int d[MAX_WORD + 1][MAX_WORD + 1];
    if (n > MAX_WORD || m > MAX_WORD)
        return MAX_WORD;
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] =
                min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[n][m];
}

const char *cgv_cli_suggest(const char *word, const char *(*next)(const void *opaque, int i),
                            const void *opaque) {
    const char *best = NULL, *candidate;
    int best_distance = strlen(word) < 5 ? 2 : 3; // first distance that is too far
    for (int i = 0; (candidate = next(opaque, i)); i++) {
        int distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < (int)strlen(candidate)) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

static const char *option_name(const void *opaque, int i) {
    return ((const cgv_cli_option *)opaque)[i].name;
}

static const cgv_cli_option *find(const cgv_cli_option *options, const char *name, size_t length) {
    for (; options->name; options++)
        if (strlen(options->name) == length && !memcmp(options->name, name, length))
            return options;
    return NULL;
}

static cgv_status unknown_option(const cgv_cli_option *options, const char *word) {
    char name[MAX_WORD + 1];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
             word + strspn(word, "-"));
    const char *suggestion = cgv_cli_suggest(name, option_name, options);
    return suggestion ? cgv_fail(CGV_ERROR_ARGUMENT, "unknown option -%s: did you mean -%s?", name,
                                 suggestion)
                      : cgv_fail(CGV_ERROR_ARGUMENT, "unknown option -%s: see cgvideo -h", name);
}

static cgv_status out_of_range(const cgv_cli_option *option, const char *text) {
    return cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes %s from %g to %g, not '%s'", option->name,
                    option->kind == CGV_CLI_REAL ? "a number" : "a whole number", option->min,
                    option->max, text);
}

static cgv_status set_number(const cgv_cli_option *option, void *field, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= option->min && value <= option->max))
        return out_of_range(option, text);
    if (option->kind == CGV_CLI_REAL) {
        *(double *)field = value;
        return CGV_OK;
    }
    if (value != floor(value))
        return out_of_range(option, text);
    *(int *)field = (int)value;
    return CGV_OK;
}

static cgv_status set_size(const cgv_cli_option *option, cgv_cli_size *field, const char *text) {
    char *end;
    long width = strtol(text, &end, 10);
    long height = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end || width < option->min || width > option->max || height < option->min ||
        height > option->max)
        return cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes WIDTHxHEIGHT, each from %g to %g, not '%s'",
                        option->name, option->min, option->max, text);
    *field = (cgv_cli_size){(int)width, (int)height};
    return CGV_OK;
}

static cgv_status set_choice(const cgv_cli_option *option, int *field, const char *text) {
    char names[256] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (!strcmp(option->choices[i], text)) {
            *field = i;
            return CGV_OK;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return cgv_fail(CGV_ERROR_ARGUMENT, "-%s is one of %s, not '%s'", option->name, names, text);
}

cgv_status cgv_cli_set(const cgv_cli_option *option, void *target, const char *text) {
    void *field = (char *)target + option->offset;
    cgv_status status = CGV_OK;
    switch (option->kind) {
    case CGV_CLI_FLAG:
        *(bool *)field = true;
        break;
    case CGV_CLI_TEXT:
        *(const char **)field = text;
        break;
    case CGV_CLI_INT:
    case CGV_CLI_REAL:
        status = set_number(option, field, text);
        break;
    case CGV_CLI_SIZE:
        status = set_size(option, field, text);
        break;
    case CGV_CLI_CHOICE:
        status = set_choice(option, field, text);
        break;
    }
    if (!status && option->seen)
        option->seen(target);
    return status;
}

static cgv_status needs_value(const char *name, const char *value) {
    return cgv_fail(CGV_ERROR_ARGUMENT, "-%s needs a value: -%s %s", name, name, value);
}

// The same for one that is in no row.
static cgv_status parse_other(const cgv_cli_option *options, void *target, int argc, char **argv,
                              int *i) {
    const char *word = argv[*i];
    char name[128];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
             word + strspn(word, "-"));
    const cgv_cli_option *last = options;
    while (last->name)
        last++;
    cgv_status status = last->other ? last->other(target, name, NULL) : CGV_AGAIN;
    if (status == CGV_AGAIN)
        return unknown_option(options, word);
    const char *equals = strchr(word, '=');
    if (!status && !equals && *i + 1 == argc)
        return needs_value(name, "VALUE");
    return status ? status : last->other(target, name, equals ? equals + 1 : argv[++*i]);
}

// Read the option at argv[*i] and its value; advances *i past the value.
static cgv_status parse_option(const cgv_cli_option *options, void *target, int argc, char **argv,
                               int *i) {
    const char *word = argv[*i];
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    const cgv_cli_option *option =
        find(options, name, equals ? (size_t)(equals - name) : strlen(name));
    if (!option)
        return parse_other(options, target, argc, argv, i);
    if (option->kind == CGV_CLI_FLAG)
        return equals ? cgv_fail(CGV_ERROR_ARGUMENT, "-%s takes no value", option->name)
                      : cgv_cli_set(option, target, NULL);
    if (!equals && *i + 1 == argc)
        return needs_value(option->name, option->value);
    return cgv_cli_set(option, target, equals ? equals + 1 : argv[++*i]);
}

cgv_status cgv_cli_parse(const cgv_cli_option *options, void *target, int argc, char **argv,
                         const char **words, int max_words, int *word_count) {
    bool only_words = false; // after a bare --
    *word_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_words && !strcmp(word, "--")) {
            only_words = true;
        } else if (!only_words && word[0] == '-' && word[1]) { // a bare - is a pipe
            cgv_status status = parse_option(options, target, argc, argv, &i);
            if (status)
                return status;
        } else if (*word_count == max_words) {
            return cgv_fail(CGV_ERROR_ARGUMENT, "unexpected argument '%s'", word);
        } else {
            words[(*word_count)++] = word;
        }
    }
    return CGV_OK;
}

bool cgv_cli_given(int argc, char **argv, const char *name) {
    size_t length = strlen(name);
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i] + strspn(argv[i], "-");
        if (word != argv[i] && !strncmp(word, name, length) &&
            (!word[length] || word[length] == '='))
            return true;
    }
    return false;
}

void cgv_cli_help(const cgv_cli_option *options, FILE *file) {
    for (; options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "-%s %s", options->name, options->value ? options->value : "");
        fprintf(file, "  %-22s %s\n", left, options->help);
    }
}
