#include "messages.h"

#include <stdio.h>
#include <string.h>

static char last[1024];
static int count;

static void keep(void *opaque, cgv_log_level level, const char *text) {
    (void)opaque;
    (void)level;
    snprintf(last, sizeof last, "%s", text);
    count++;
}

void cgv_test_listen(void) {
    cgv_test_listen_to(CGV_LOG_ERROR);
}

void cgv_test_listen_to(cgv_log_level level) {
    cgv_log_set(keep, NULL, level);
    count = 0;
    *last = 0;
}

bool cgv_test_said(const char *fragment) {
    bool ok = count == 1 && strstr(last, fragment) && !strchr(last, '\n');
    if (!ok)
        printf("wanted '%s'; %d messages, the last: %s\n", fragment, count, last);
    count = 0;
    return ok;
}

int cgv_test_messages(void) {
    int messages = count;
    count = 0;
    return messages;
}
