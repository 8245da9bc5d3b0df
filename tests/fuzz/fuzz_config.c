// config.json of a run, by a table with options of all kinds.
#include <string.h>

#include "app/config.h"
#include "consume.h"

typedef struct target {
    bool flag;
    const char *text;
    int integer, choice;
    double real;
    cgv_cli_size size;
} target;

static const char *const choices[] = {"red", "green", NULL};
#define FIELD(field) #field, .offset = offsetof(target, field)
static const cgv_cli_option options[] = {
    {.name = FIELD(flag), .kind = CGV_CLI_FLAG},
    {.name = FIELD(text), .kind = CGV_CLI_TEXT},
    {.name = FIELD(integer), .kind = CGV_CLI_INT, .min = -5, .max = 2000000000},
    {.name = FIELD(choice), .kind = CGV_CLI_CHOICE, .choices = choices},
    {.name = FIELD(real), .kind = CGV_CLI_REAL, .min = 0, .max = 0.5},
    {.name = FIELD(size), .kind = CGV_CLI_SIZE, .min = 16, .max = 16384},
    {0},
};

static void check(const target *t) {
    fuzz_expect(!t->text || strlen(t->text) < SIZE_MAX);
    fuzz_expect(t->integer >= -5 && t->integer <= 2000000000);
    fuzz_expect(t->choice == 0 || t->choice == 1);
    fuzz_expect(t->real >= 0 && t->real <= 0.5);
    fuzz_expect(t->size.width >= 16 && t->size.width <= 16384);
    fuzz_expect(t->size.height >= 16 && t->size.height <= 16384);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    target t = {.size = {16, 16}}, again = t;
    json_t *config = json_loadb((const char *)data, size, 0, NULL);
    fuzz_listen();
    cgv_status status = cgv_config_read(options, &t, config, "fuzz");
    fuzz_expect_messages(status ? 1 : 0);
    check(&t);
    json_t *written = cgv_config_write(options, &t);
    fuzz_expect(status || !cgv_config_read(options, &again, written, "fuzz"));
    json_decref(written);
    json_decref(config);
    return 0;
}
