// losses.csv of a run that goes on.
#include "consume.h"
#include "memory_file.h"
#include "train/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const cgv_history_columns *columns =
        size && data[0] & 1 ? &cgv_history_paired : &cgv_history_unpaired;
    const char *path = fuzz_file(data, size);
    cgv_history *history;
    fuzz_listen();
    cgv_status status = cgv_history_create(&history, path, columns, 1000);
    fuzz_expect_messages(status ? 1 : 0);
    if (status)
        return 0;
    int count;
    cgv_history_points(history, &count);
    const cgv_history_row *last = cgv_history_last(history);
    fuzz_expect(count >= 0 && count <= CGV_HISTORY_POINTS && !count == !last);
    fuzz_expect(!last || last->step <= 1000);
    fuzz_expect(!cgv_history_append(history, &(cgv_history_row){.step = 1001}));
    cgv_history_destroy(&history);
    return 0;
}
