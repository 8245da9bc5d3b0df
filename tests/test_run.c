// What a training run leaves in its directory, besides checkpoints: losses.csv, event files,
// pictures, the page. `test_run write-run DIR` leaves an example there, for other readers.
#include <math.h>
#include <png.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fs.h"
#include "messages.h"
#include "support.h"
#include "train/events.h"
#include "train/grid.h"
#include "train/history.h"
#include "train/png.h"
#include "train/report.h"

static char dir[] = "/tmp/cgvideo-run-XXXXXX";

static char *path_of(const char *name) {
    return cgv_fs_format("%s/%s", dir, name);
}

// The file as a string; the test ends where it cannot be read.
static char *read_text(const char *path, size_t *size) {
    void *data = NULL;
    size_t bytes = 0;
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &bytes, path, 1 << 26), CGV_OK);
    char *text = realloc(data, bytes + 1);
    if (!text)
        exit(1);
    text[bytes] = 0;
    if (size)
        *size = bytes;
    return text;
}

// ---- checksums and records ----

static void test_crc(void) {
    // Known values: RFC 3720, B.4, and the usual check string.
    uint8_t bytes[32] = {0};
    CU_ASSERT_EQUAL(cgv_crc32c(0, "123456789", 9), 0xe3069283);
    CU_ASSERT_EQUAL(cgv_crc32c(0, "", 0), 0);
    CU_ASSERT_EQUAL(cgv_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    CU_ASSERT_EQUAL(cgv_crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    CU_ASSERT_EQUAL(cgv_crc32c(0, bytes, 32), 0x46dd794e);
    for (size_t i = 0; i <= 32; i++) // in two pieces
        CU_ASSERT_EQUAL(cgv_crc32c(cgv_crc32c(0, bytes, i), bytes + i, 32 - i), 0x46dd794e);
}

// The path of the events file in `dir` that was made last.
static char *newest_events(void) {
    char *command = cgv_fs_format("ls %s/events.out.tfevents.* | tail -n 1", dir), line[4096];
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, pipe));
    pclose(pipe);
    free(command);
    line[strcspn(line, "\n")] = 0;
    return strdup(line);
}

typedef struct record {
    const uint8_t *data;
    size_t size;
} record;

// Splits a file into records, checking their checksums; their number, -1 where one is torn.
static int split(record *out, int most, const void *file, size_t size) {
    const uint8_t *at = file, *end = at + size;
    int count = 0;
    for (; at < end && count < most; count++) {
        uint64_t length;
        uint32_t crc;
        if (end - at < 16)
            return -1;
        memcpy(&length, at, 8);
        memcpy(&crc, at + 8, 4);
        CU_ASSERT_EQUAL(crc, cgv_events_masked_crc(at, 8));
        if (length > (uint64_t)(end - at) - 16)
            return -1;
        out[count] = (record){at + 12, (size_t)length};
        memcpy(&crc, at + 12 + length, 4);
        CU_ASSERT_EQUAL(crc, cgv_events_masked_crc(at + 12, length));
        at += 16 + length;
    }
    return count;
}

static bool ends_with(record r, const void *bytes, size_t size) {
    return r.size >= size && !memcmp(r.data + r.size - size, bytes, size);
}

static void test_events(void) {
    // A checksum of 0 becomes the mask itself; that of "123456789" is turned by 15 bits first.
    CU_ASSERT_EQUAL(cgv_events_masked_crc("", 0), 0xa282ead8);
    CU_ASSERT_EQUAL(cgv_events_masked_crc("123456789", 9),
                    ((0xe3069283u >> 15 | 0xe3069283u << 17) + 0xa282ead8u) & 0xffffffff);
    cgv_events *events, *more;
    const cgv_scalar scalars[] = {{"loss/G_A", 0.5f}, {"loss/zero", 0}};
    CU_ASSERT_EQUAL_FATAL(cgv_events_create(&events, dir, 0), CGV_OK);
    CU_ASSERT_EQUAL(cgv_events_scalars(events, 300, scalars, 2), CGV_OK);
    CU_ASSERT_EQUAL(cgv_events_picture(events, 300, "grid", "PNG", 3, 7, 5), CGV_OK);
    size_t size;
    record records[8] = {{0}};
    char *path = newest_events(), *file = read_text(path, &size); // before it is closed
    CU_ASSERT_EQUAL(split(records, 8, file, size), 3);
    CU_ASSERT(ends_with(records[0], "\x1a\rbrain.Event:2", 15));
    // Bytes by hand: step 300 in field 2, summary in 5, values in 1, tag 1, number 2, picture 4.
    static const char step[] = "\x10\xac\x02\x2a\x23"
                               "\x0a\x0f\x0a\x08loss/G_A\x15\x00\x00\x00\x3f"
                               "\x0a\x10\x0a\x09loss/zero\x15\x00\x00\x00\x00";
    static const char picture[] = "\x10\xac\x02\x2a\x15\x0a\x13\x0a\x04grid"
                                  "\x22\x0b\x08\x05\x10\x07\x18\x03\x22\x03PNG";
    CU_ASSERT(records[1].data && *records[1].data == 0x09); // the time, as a double
    CU_ASSERT_EQUAL(records[1].size, 9 + sizeof step - 1);
    CU_ASSERT(ends_with(records[1], step, sizeof step - 1));
    CU_ASSERT(ends_with(records[2], picture, sizeof picture - 1));
    CU_ASSERT_EQUAL(records[2].size, 9 + sizeof picture - 1);
    free(file);
    // A resumed run: another file that begins a session after the checkpoint's step.
    CU_ASSERT_EQUAL_FATAL(cgv_events_create(&more, dir, 299), CGV_OK);
    char *second = newest_events();
    file = read_text(second, &size);
    CU_ASSERT(strcmp(second, path) > 0);
    CU_ASSERT_EQUAL(split(records, 8, file, size), 2);
    CU_ASSERT(ends_with(records[1], "\x10\xac\x02\x3a\x02\x08\x01", 7));
    CU_ASSERT_EQUAL(split(records, 8, file, size - 1), -1);
    free(file);
    free(path);
    free(second);
    cgv_events_destroy(&events);
    cgv_events_destroy(&more);
    CU_ASSERT_PTR_NULL(more);
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_events_create(&events, "/nonexistent", 0), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("cannot create") && !events);
}

// ---- losses.csv ----

static cgv_history_row row_of(int64_t step) {
    float s = (float)step;
    return (cgv_history_row){.step = step,
                             .epoch = (double)step / 8,
                             .seconds = (double)step / 4,
                             .lr_g = 2e-4f,
                             .lr_d = 1e-4f,
                             .images_per_second = 3.5f,
                             .losses = {.g_a = 1 / s,
                                        .g_b = 2 / s,
                                        .cycle_a = s,
                                        .cycle_b = s + 1,
                                        .equivariance_a = 0.5f,
                                        .equivariance_b = 0.75f,
                                        .histogram_a = 0.375f,
                                        .histogram_b = 2,
                                        .night_a = 4.5f,
                                        .windows_a = 8,
                                        .d_a = 0.25f,
                                        .d_b = 1e-30f,
                                        .l1_a = s / 8}};
}

static cgv_history *open_history(const char *path, int64_t step) {
    cgv_history *history;
    CU_ASSERT_EQUAL_FATAL(cgv_history_create(&history, path, &cgv_history_unpaired, step), CGV_OK);
    return history;
}

static void append(cgv_history *history, int64_t first, int64_t last) {
    for (int64_t step = first; step <= last; step++) {
        cgv_history_row row = row_of(step);
        CU_ASSERT_EQUAL(cgv_history_append(history, &row), CGV_OK);
    }
}

static void check_text(const char *path, const char *expected) {
    char *text = read_text(path, NULL);
    CU_ASSERT_STRING_EQUAL(text, expected);
    free(text);
}

static float number(const cgv_history_row *row, int column) {
    float value;
    memcpy(&value, (const char *)row + cgv_history_unpaired.list[column].offset, sizeof value);
    return value;
}

static void check_same_points(const cgv_history *x, const cgv_history *y) {
    int count, other;
    const cgv_history_row *a = cgv_history_points(x, &count), *b = cgv_history_points(y, &other);
    CU_ASSERT_EQUAL_FATAL(count, other);
    for (int i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(a[i].step, b[i].step);
        CU_ASSERT_DOUBLE_EQUAL(a[i].epoch, b[i].epoch, 1e-5 * a[i].epoch);
        for (int c = 0; c < cgv_history_unpaired.count; c++)
            CU_ASSERT_EQUAL(number(&a[i], c), number(&b[i], c));
    }
}

static void test_history(void) {
    char *path = path_of("losses.csv"), *whole;
    cgv_history *history = open_history(path, 0);
    CU_ASSERT_PTR_NULL(cgv_history_last(history));
    append(history, 1, 1);
    check_text(path, "step,epoch,seconds,lr_g,lr_d,images_per_second,G_A,G_B,cycle_A,cycle_B,"
                     "idt_A,idt_B,equi_A,equi_B,hist_A,hist_B,night,windows,D_A,D_B\n"
                     "1,0.125,0.250,0.000199999995,9.99999975e-05,3.5,1,2,1,2,0,0,0.5,0.75,0.375,2,"
                     "4.5,8,0.25,1e-30\n");
    append(history, 2, 20);
    whole = read_text(path, NULL);
    cgv_history_destroy(&history);
    // Resumed after step 12: rows 13 to 20 come again, once.
    history = open_history(path, 12);
    CU_ASSERT_EQUAL(cgv_history_last(history)->step, 12);
    append(history, 13, 20);
    check_text(path, whole);
    cgv_history *again = open_history(path, 20);
    check_same_points(history, again);
    cgv_history_destroy(&again);
    cgv_history_destroy(&history);
    // A row that a crash tore.
    CU_ASSERT_EQUAL(truncate(path, (off_t)strlen(whole) - 3), 0);
    cgv_test_listen_to(CGV_LOG_WARNING);
    history = open_history(path, 25);
    CU_ASSERT(cgv_test_said("where it is damaged"));
    CU_ASSERT_EQUAL(cgv_history_last(history)->step, 19);
    append(history, 20, 20);
    check_text(path, whole);
    cgv_history_destroy(&history);
    // Of an older program.
    FILE *older = fopen(path, "w");
    CU_ASSERT_FATAL(older &&
                    fputs("step,epoch,seconds,lr_g,D_A\n1,0.125,0.25,0.1,0.5\n", older) >= 0);
    fclose(older);
    cgv_test_listen_to(CGV_LOG_WARNING);
    history = open_history(path, 1);
    CU_ASSERT(cgv_test_said("other columns"));
    CU_ASSERT_PTR_NULL(cgv_history_last(history));
    append(history, 1, 20);
    check_text(path, whole);
    cgv_history_destroy(&history);
    char *aside = path_of("losses.csv.old");
    check_text(aside, "step,epoch,seconds,lr_g,D_A\n1,0.125,0.25,0.1,0.5\n");
    unlink(aside);
    free(aside);
    // Nothing there to go on with, and a new run.
    unlink(path);
    history = open_history(path, 5);
    append(history, 6, 6);
    cgv_history_destroy(&history);
    history = open_history(path, 0);
    append(history, 1, 20);
    check_text(path, whole);
    cgv_history_destroy(&history);
    CU_ASSERT_EQUAL(
        cgv_history_create(&history, "/nonexistent/losses.csv", &cgv_history_unpaired, 0),
        CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("cannot open") && !history);
    unlink(path);
    free(whole);
    free(path);
}

// Of pairs: other columns, which come back as they were.
static void test_paired_history(void) {
    char *path = path_of("losses.csv");
    cgv_history *history;
    CU_ASSERT_EQUAL_FATAL(cgv_history_create(&history, path, &cgv_history_paired, 0), CGV_OK);
    append(history, 1, 2);
    cgv_history_destroy(&history);
    check_text(path, "step,epoch,seconds,lr_g,lr_d,images_per_second,G_A,L1_A,D_A\n"
                     "1,0.125,0.250,0.000199999995,9.99999975e-05,3.5,1,0.125,0.25\n"
                     "2,0.25,0.500,0.000199999995,9.99999975e-05,3.5,0.5,0.25,0.25\n");
    CU_ASSERT_EQUAL_FATAL(cgv_history_create(&history, path, &cgv_history_paired, 2), CGV_OK);
    CU_ASSERT_PTR_EQUAL(cgv_history_get_columns(history), &cgv_history_paired);
    CU_ASSERT_EQUAL(cgv_history_last(history)->losses.l1_a, 0.25f);
    CU_ASSERT_EQUAL(cgv_history_last(history)->losses.g_b, 0);
    cgv_history_destroy(&history);
    unlink(path);
    free(path);
}

static void test_thinning(void) {
    char *path = path_of("losses.csv");
    cgv_history *history = open_history(path, 0);
    int count, rows = 3 * CGV_HISTORY_POINTS + 7; // four rows a point, three in the last
    append(history, 1, rows);
    const cgv_history_row *points = cgv_history_points(history, &count);
    CU_ASSERT_EQUAL_FATAL(count, (rows + 3) / 4);
    for (int i = 0; i < count; i++) {
        int first = 4 * i + 1, last = i + 1 < count ? 4 * i + 4 : rows;
        CU_ASSERT_EQUAL(points[i].step, last);
        CU_ASSERT_DOUBLE_EQUAL(points[i].losses.cycle_a, (first + last) / 2.0, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(points[i].losses.d_a, 0.25, 1e-6);
    }
    CU_ASSERT_EQUAL(cgv_history_last(history)->losses.cycle_a, (float)rows);
    cgv_history *again = open_history(path, rows);
    check_same_points(history, again);
    cgv_history_destroy(&again);
    cgv_history_destroy(&history);
    unlink(path);
    free(path);
}

// ---- pictures ----

static void test_png(void) {
    enum { W = 37, H = 21 };
    uint8_t rgb[3 * W * H], back[3 * W * H];
    for (int i = 0; i < 3 * W * H; i++)
        rgb[i] = (uint8_t)(i * i >> 3 ^ i);
    void *data;
    size_t size;
    char *path = path_of("x.png");
    CU_ASSERT_EQUAL_FATAL(cgv_png_encode(&data, &size, rgb, W, H), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_png_write(path, rgb, W, H), CGV_OK);
    png_image image = {.version = PNG_IMAGE_VERSION};
    CU_ASSERT(png_image_begin_read_from_file(&image, path));
    CU_ASSERT_FATAL(image.width == W && image.height == H && image.format == PNG_FORMAT_RGB);
    CU_ASSERT(png_image_finish_read(&image, NULL, back, 0, NULL));
    CU_ASSERT_EQUAL(memcmp(rgb, back, sizeof rgb), 0);
    size_t written;
    char *file = read_text(path, &written);
    CU_ASSERT(written == size && !memcmp(file, data, size));
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_png_write("/nonexistent/x.png", rgb, W, H), CGV_ERROR_IO);
    CU_ASSERT(cgv_test_said("cannot create"));
    CU_ASSERT_EQUAL(cgv_png_write(path, rgb, W, 0), CGV_ERROR_ARGUMENT);
    CU_ASSERT(cgv_test_said("37x0"));
    cgv_bitmap huge; // as the head of a file may claim
    CU_ASSERT_EQUAL(cgv_bitmap_create(&huge, 65535, 65535), CGV_ERROR_UNSUPPORTED);
    CU_ASSERT(cgv_test_said("65535x65535: more than"));
    CU_ASSERT_PTR_NULL(huge.rgb);
    unlink(path);
    free(file);
    free(data);
    free(path);
}

// Pixel x, y of a grid is this?
static bool is(const cgv_grid *grid, int x, int y, int r, int g, int b) {
    const uint8_t *p = grid->rgb + 3 * (y * grid->width + x);
    return p[0] == r && p[1] == g && p[2] == b;
}

static void test_grid(void) {
    enum { H = 4, W = 6, COUNT = 2, PLANE = H * W };
    static float columns[CGV_GRID_COLUMNS][COUNT][3][PLANE];
    const float *pointers[CGV_GRID_COLUMNS];
    for (int c = 0; c < CGV_GRID_COLUMNS; c++) {
        pointers[c] = &columns[c][0][0][0];
        for (int i = 0; i < COUNT; i++)
            for (int p = 0; p < PLANE; p++) {
                columns[c][i][0][p] = (float)(c * 20 + p) / 127.5f - 1; // red: column and pixel
                columns[c][i][1][p] = i ? 1.5f : -1.5f;                 // green: row, clamped
                columns[c][i][2][p] = 0.25f / 127.5f - 1;               // blue: rounds down to 0
            }
    }
    columns[5][1][2][PLANE - 1] = NAN;
    cgv_grid grid;
    CU_ASSERT_EQUAL_FATAL(cgv_grid_create(&grid, pointers, CGV_GRID_COLUMNS, COUNT, H, W), CGV_OK);
    int width = 6 * W + 4 * 2 + 8, height = 2 * H + 2;
    CU_ASSERT_FATAL(grid.width == width && grid.height == height);
    int left[] = {0, 8, 16, 30, 38, 46}, covered = 0;
    for (int c = 0; c < CGV_GRID_COLUMNS; c++)
        for (int i = 0; i < COUNT; i++)
            for (int p = 0; p < PLANE; p++) {
                int x = left[c] + p % W, y = i * (H + 2) + p / W;
                bool nan = c == 5 && i == 1 && p == PLANE - 1;
                covered++;
                CU_ASSERT(nan ? is(&grid, x, y, 255, 0, 255)
                              : is(&grid, x, y, c * 20 + p, i ? 255 : 0, 0));
            }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            covered += is(&grid, x, y, 0x60, 0x60, 0x60);
    CU_ASSERT_EQUAL(covered, width * height); // the rest are separators
    cgv_grid_free(&grid);
    CU_ASSERT_PTR_NULL(grid.rgb);

    // Pairs: three columns, no gap.
    CU_ASSERT_EQUAL_FATAL(cgv_grid_create(&grid, pointers, CGV_GRID_PAIR_COLUMNS, COUNT, H, W),
                          CGV_OK);
    CU_ASSERT_FATAL(grid.width == 3 * W + 2 * 2 && grid.height == height);
    for (int c = 0; c < CGV_GRID_PAIR_COLUMNS; c++)
        CU_ASSERT(is(&grid, left[c] + 1, H + 2, c * 20 + 1, 255, 0));
    cgv_grid_free(&grid);
}

// ---- the page ----

static const char config[] = "{\"arch\":\"resnet_6blocks\",\"a\":[\"day/*.mp4\",\"</script>\"],"
                             "\"adam\":{\"beta1\":0.5},\"seed\":1}";

static void test_report(void) {
    char *csv = path_of("losses.csv"), *page = path_of("index.html"), *samples = path_of("samples");
    cgv_history *history = open_history(csv, 0);
    cgv_report_params params = {.config = config,
                                .state = "running",
                                .step = 30,
                                .steps = 100,
                                .epoch = 1.5,
                                .seconds = 60,
                                .seconds_left = NAN};
    CU_ASSERT_EQUAL(cgv_report_write(dir, history, &params), CGV_OK); // with nothing to show yet
    append(history, 1, 30);
    cgv_history_row row = row_of(31);
    row.losses.g_a = NAN;
    CU_ASSERT_EQUAL(cgv_history_append(history, &row), CGV_OK);
    CU_ASSERT_EQUAL(mkdir(samples, 0700), 0);
    const char *const names[] = {"step_00000900.png", "step_100000000.png", "step_00000010.png",
                                 "notes.txt"};
    for (int i = 0; i < 4; i++) {
        char *path = cgv_fs_format("%s/%s", samples, names[i]);
        CU_ASSERT_EQUAL(cgv_fs_write(path, "", 0), CGV_OK);
        free(path);
    }
    CU_ASSERT_EQUAL_FATAL(cgv_report_write(dir, history, &params), CGV_OK);
    char *text = read_text(page, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "samples:[\"step_00000010.png\",\"step_00000900.png\","
                                        "\"step_100000000.png\"]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "at:30,\nsteps:100,\nepoch:1.5,\nseconds:60,\nleft:null"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\\u003c/script>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"beta1\":0.5"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ",null],\nG_B:[2,1,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "name:\"cgvideo-run-"));
    // One script, its own, and nothing from elsewhere (but the name of SVG's namespace).
    const char *end = strstr(text, "</script>"), *http = strstr(text, "http");
    CU_ASSERT(end && !strstr(end + 1, "</script>"));
    CU_ASSERT(http && !strncmp(http, "http://www.w3.org/2000/svg", 26) &&
              !strstr(http + 1, "http"));
    CU_ASSERT(!strstr(text, "url(//") && !strstr(text, "@import") && !strstr(text, "<link"));
    cgv_test_listen();
    params.config = "[1]";
    CU_ASSERT_EQUAL(cgv_report_write(dir, history, &params), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("no JSON object"));
    char *same = read_text(page, NULL);
    CU_ASSERT_STRING_EQUAL(text, same);
    for (int i = 0; i < 4; i++) {
        char *path = cgv_fs_format("%s/%s", samples, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(samples);
    unlink(csv);
    unlink(page);
    cgv_history_destroy(&history);
    free(csv);
    free(page);
    free(samples);
    free(text);
    free(same);
}

// A limit on the size of files stands for the full disk.
static void test_full_disk(void) {
    char *csv = path_of("losses.csv"), *page = path_of("index.html");
    cgv_history *history = open_history(csv, 0);
    cgv_events *events;
    cgv_report_params params = {.state = "running"};
    const cgv_scalar scalar = {"x", 1};
    CU_ASSERT_EQUAL_FATAL(cgv_events_create(&events, dir, 0), CGV_OK);
    CU_ASSERT_EQUAL(cgv_report_write(dir, history, &params), CGV_OK);
    char *before = read_text(page, NULL);
    struct rlimit unlimited, limit;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limit = unlimited;
    limit.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    cgv_test_listen();
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cgv_history_row row = row_of(1);
    bool csv_failed = cgv_history_append(history, &row) == CGV_ERROR_IO && cgv_test_messages() == 1;
    bool page_failed =
        cgv_report_write(dir, history, &params) == CGV_ERROR_IO && cgv_test_messages() == 1;
    cgv_status status = CGV_OK;
    for (int i = 0; i < 5 && !status; i++)
        status = cgv_events_scalars(events, i, &scalar, 1);
    bool events_failed = status == CGV_ERROR_IO && cgv_test_messages() == 1;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    CU_ASSERT(csv_failed && page_failed && events_failed);
    check_text(page, before);
    cgv_history_destroy(&history);
    cgv_events_destroy(&events);
    unlink(csv);
    unlink(page);
    free(csv);
    free(page);
    free(before);
}

// ---- an example for other readers ----

static float wave(int x, int y, int seed) {
    return sinf((float)(x * (seed % 3 + 1)) * 0.06f + (float)seed) *
           cosf((float)(y * (seed % 4 + 1)) * 0.05f);
}

static cgv_status write_sample(const char *run, cgv_events *events, int64_t step) {
    enum { SIDE = 128, COUNT = 3, PICTURE = 3 * SIDE * SIDE };
    static float columns[CGV_GRID_COLUMNS][COUNT * PICTURE];
    const float *pointers[CGV_GRID_COLUMNS];
    for (int c = 0; c < CGV_GRID_COLUMNS; c++) {
        pointers[c] = columns[c];
        for (int i = 0; i < COUNT * PICTURE; i++)
            columns[c][i] = wave(i % SIDE, i / SIDE % SIDE,
                                 c + i / PICTURE + i / SIDE / SIDE % 3 + (int)(step / 1000));
    }
    cgv_grid grid;
    void *png = NULL;
    size_t size = 0;
    char *path = cgv_fs_format("%s/samples/step_%08lld.png", run, (long long)step);
    cgv_status status = cgv_grid_create(&grid, pointers, CGV_GRID_COLUMNS, COUNT, SIDE, SIDE);
    if (!status)
        status = cgv_png_encode(&png, &size, grid.rgb, grid.width, grid.height);
    if (!status)
        status = cgv_fs_write(path, png, size);
    if (!status)
        status = cgv_events_picture(events, step, "samples", png, size, grid.width, grid.height);
    cgv_grid_free(&grid);
    free(png);
    free(path);
    return status;
}

// Steps 0 to 2500; then, resumed from 2000 as after a crash, to 4000, other values.
static int write_run(const char *run) {
    cgv_history *history = NULL;
    cgv_events *events = NULL;
    cgv_rng rng;
    cgv_status status = CGV_OK;
    char *csv = cgv_fs_format("%s/losses.csv", run), *samples = cgv_fs_format("%s/samples", run);
    cgv_rng_seed(&rng, 1, 1);
    mkdir(samples, 0777);
    for (int64_t part = 0, begin = 0; part < 2 && !status; part++, begin = 2000) {
        status = cgv_history_create(&history, csv, &cgv_history_unpaired, begin);
        if (!status)
            status = cgv_events_create(&events, run, begin);
        for (int64_t step = begin + 10; step <= (part ? 4000 : 2500) && !status; step += 10) {
            float noise = 0.3f * cgv_rng_float(&rng), fall = expf(-(float)step / 1500);
            cgv_losses losses = {0.3f + noise,        0.4f + noise * fall,  0.5f + 3 * fall + noise,
                                 0.4f + 2 * fall,     0.2f + fall + noise,  0.2f + fall,
                                 0.2f + 0.5f * noise, 0.25f - 0.2f * noise, .equivariance_a = 0};
            float lr = 2e-4f * fminf(1, (float)(4010 - step) / 2000);
            cgv_history_row row = {step,  (double)step / 900, (double)step / 5, lr, lr, 5 + noise,
                                   losses};
            cgv_scalar scalars[] = {{"loss/G_A", losses.g_a}, {"part", (float)part}, {"zero", 0}};
            status = cgv_history_append(history, &row);
            if (!status)
                status = cgv_events_scalars(events, step, scalars, 3);
            if (!status && step % 500 == 0)
                status = write_sample(run, events, step);
        }
        if (!status && part)
            status = cgv_report_write(
                run, history, &(cgv_report_params){config, "running", 4000, 6000, 4.44, 800, 400});
        cgv_history_destroy(&history);
        cgv_events_destroy(&events);
    }
    free(csv);
    free(samples);
    return status != CGV_OK;
}

int main(int argc, char **argv) {
    static const cgv_test_case cases[] = {
        {"CRC-32C", test_crc},
        {"event files", test_events},
        {"losses.csv", test_history},
        {"thinned curves", test_thinning},
        {"PNG", test_png},
        {"losses.csv of pairs", test_paired_history},
        {"sample grids", test_grid},
        {"index.html", test_report},
        {"a full disk", test_full_disk},
        {0},
    };
    if (argc == 3 && !strcmp(argv[1], "write-run"))
        return write_run(argv[2]);
    if (!mkdtemp(dir))
        return 1;
    int failed = cgv_test_run("run", cases);
    char *command = cgv_fs_format("rm -f %s/events.out.tfevents.* && rmdir %s", dir, dir);
    failed |= system(command) != 0; // nothing else is left
    free(command);
    return failed;
}
