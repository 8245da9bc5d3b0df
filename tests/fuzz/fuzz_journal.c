// Journals of jobs in segments. The job is taken to be the same, so that what follows is read.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/journal.h"
#include "app/journal_files.h"
#include "base/fs.h"
#include "consume.h"

static char folder[] = "/dev/shm/fuzz_journal.XXXXXX";
static char path[sizeof folder + sizeof CGV_JOURNAL_NAME];

static void clean_up(void) {
    unlink(path);
    rmdir(folder);
}

static void begin(void) {
    if (*path)
        return;
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/" CGV_JOURNAL_NAME, folder);
    atexit(clean_up);
}

static cgv_status open_job(cgv_journal *journal, const json_t *job) {
    fuzz_listen();
    cgv_status status = cgv_journal_open(journal, strdup(folder), json_deep_copy(job), true);
    fuzz_expect_messages(status ? 1 : 0);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cgv_journal journal;
    begin();
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file))
        abort();
    json_t *root = json_loadb((const char *)data, size, 0, NULL), *own = json_object();
    const json_t *job = json_object_get(root, "job");
    job = json_is_object(job) ? job : own;
    cgv_status status = open_job(&journal, job);
    if (!status) { // goes on, and is found again
        int count = journal.count;
        fuzz_expect(!cgv_journal_append(&journal, &(cgv_packets_sum){1, 2, 3}));
        cgv_journal_close(&journal);
        fuzz_expect(!open_job(&journal, job) && journal.count == count + 1);
    }
    cgv_journal_close(&journal);
    json_decref(own);
    json_decref(root);
    return 0;
}
