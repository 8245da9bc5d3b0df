// The choice of kernels: by rules, by name, by measuring; and what of it is kept.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "messages.h"
#include "nn/arch.h"
#include "nn/plan.h"
#include "ops/choose.h"
#include "support.h"

static char folder[] = "/tmp/cgv-choose-XXXXXX";

// Another device, as of another process, whose cache is in the folder.
static cgv_device *open_device(void) {
    cgv_device *device;
    cgv_test_device(); // skips where there is none
    cgv_device_params params = {.select = getenv("CGV_GPU"), .cache_dir = folder};
    CU_ASSERT_EQUAL_FATAL(cgv_device_create(&device, &params), CGV_OK);
    return device;
}

static void close_device(cgv_device **device) {
    CU_ASSERT_EQUAL(cgv_device_validation_messages(*device), 0);
    cgv_device_destroy(device);
}

// A file of the cache (malloc'ed), or NULL.
static char *find_file(void) {
    char command[128], path[256];
    snprintf(command, sizeof command, "ls %s/kernels-*.bin 2>/dev/null", folder);
    FILE *list = popen(command, "r");
    bool found = list && fgets(path, sizeof path, list);
    if (list)
        pclose(list);
    if (!found)
        return NULL;
    path[strcspn(path, "\n")] = 0;
    return strdup(path);
}

static void remove_file(void) {
    char *path = find_file();
    if (path)
        unlink(path);
    free(path);
}

static const cgv_conv_params three = {.cin = 16,
                                      .cout = 16,
                                      .kernel = 3,
                                      .stride = 1,
                                      .pad = 1,
                                      .groups = 1,
                                      .pad_mode = CGV_PAD_REFLECT};
static const cgv_tensor large = {.n = 1, .c = 16, .h = 64, .w = 64};

// Choose for a layer on a device of its own; whether something was measured.
static bool choose(cgv_conv_choice *out, cgv_device *device) {
    cgv_chooser chooser = {.device = device};
    CU_ASSERT_EQUAL(cgv_conv_choose(&chooser, out, large, large, &three), CGV_OK);
    cgv_chooser_end(&chooser);
    return chooser.measured;
}

static bool choose_anew(cgv_conv_choice *out) {
    cgv_device *device = open_device();
    bool measured = choose(out, device);
    close_device(&device);
    return measured;
}

static bool same(cgv_conv_choice a, cgv_conv_choice b) {
    return a.kernel == b.kernel && a.tile_x == b.tile_x && a.tile_y == b.tile_y &&
           a.tile_c == b.tile_c && a.tap_rows == b.tap_rows;
}

static bool is_candidate(cgv_conv_choice choice) {
    cgv_conv_choice choices[CGV_MAX_CHOICES];
    int count = cgv_conv_choices(choices, cgv_test_device(), large, large, &three);
    for (int i = 0; i < count; i++)
        if (same(choices[i], choice))
            return true;
    return false;
}

// ---- the winner of some measurements

static void test_winner(void) {
    const cgv_trial equal[] = {{10, 0, true}, {9.5, 0, true}, {9.3, 0, true}};
    CU_ASSERT_EQUAL(cgv_trial_winner(equal, 3), 0); // that may be noise
    const cgv_trial faster[] = {{10, 0, true}, {8, 0, true}, {7, 0, true}, {9, 0, true}};
    CU_ASSERT_EQUAL(cgv_trial_winner(faster, 4), 2);
    const cgv_trial wrong[] = {{10, 0, true}, {8, 0, true}, {1, 0, false}};
    CU_ASSERT_EQUAL(cgv_trial_winner(wrong, 3), 1);
    const cgv_trial rule_wrong[] = {{1, 0, false}, {10, 0, true}, {9.9, 0, true}, {5, 0, true}};
    CU_ASSERT_EQUAL(cgv_trial_winner(rule_wrong, 3), 1);
    CU_ASSERT_EQUAL(cgv_trial_winner(rule_wrong, 4), 3);
    CU_ASSERT_EQUAL(cgv_trial_winner(faster, 1), 0);
}

// On a CPU device the time of its threads counts, where the other one is no longer.
static void test_winner_on_cpu(void) {
    const cgv_trial disturbed[] = {{10, 20, true}, {5, 19, true}, {9, 12, true}};
    CU_ASSERT_EQUAL(cgv_trial_winner(disturbed, 3), 2);
    const cgv_trial idle[] = {{10, 20, true}, {11, 12, true}};
    CU_ASSERT_EQUAL(cgv_trial_winner(idle, 2), 0);
}

// ---- measuring

// The first test that measures: CGV_FAULT has the first comparison of numbers fail.
static void test_wrong_numbers(void) {
    cgv_conv_choice choice, choices[CGV_MAX_CHOICES];
    char name[CGV_CHOICE_NAME], said[80];
    cgv_test_listen_to(CGV_LOG_WARNING);
    CU_ASSERT(choose_anew(&choice));
    int count = cgv_conv_choices(choices, cgv_test_device(), large, large, &three);
    CU_ASSERT_FATAL(count > 1 &&
                    choices[0].kernel == CGV_CONV_DIRECT); // so the second is compared first
    cgv_conv_choice_name(name, choices[1]);
    snprintf(said, sizeof said, ": %s gives other numbers than direct", name);
    CU_ASSERT(cgv_test_said(said));
    CU_ASSERT(is_candidate(choice) && !same(choice, choices[1]));
    remove_file();
}

static void test_kept(void) {
    cgv_conv_choice first, second;
    CU_ASSERT(choose_anew(&first));
    CU_ASSERT(is_candidate(first));
    CU_ASSERT_FALSE(choose_anew(&second));
    CU_ASSERT(same(first, second));
}

static void expect_damaged(const char *path, const void *data, size_t size) {
    cgv_conv_choice choice;
    CU_ASSERT_EQUAL(cgv_fs_write(path, data, size), CGV_OK);
    CU_ASSERT(choose_anew(&choice));
    CU_ASSERT(is_candidate(choice));
    CU_ASSERT_FALSE(choose_anew(&choice)); // written anew
}

static uint64_t checksum(const char *data, size_t size) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)data[i]) * 0x100000001b3;
    return hash;
}

// What somebody else wrote, with a checksum that is right.
static void expect_foreign(const char *path, const char *text, size_t size) {
    char data[1024];
    uint64_t sum = checksum(text, size);
    memcpy(data, &sum, sizeof sum);
    memcpy(data + sizeof sum, text, size);
    expect_damaged(path, data, sizeof sum + size);
}

static void test_damaged(void) {
    cgv_conv_choice choice;
    choose_anew(&choice);
    char *path = find_file();
    void *data;
    size_t size;
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 1 << 20), CGV_OK);
    char *text = (char *)data + sizeof(uint64_t);
    size_t length = size - sizeof(uint64_t);
    CU_ASSERT_FATAL(length > 20 && length < 900);
    CU_ASSERT_EQUAL(checksum(text, length), *(uint64_t *)data);

    expect_damaged(path, data, size / 2);
    expect_damaged(path, data, 4);
    expect_damaged(path, "", 0);
    text[9] ^= 1;
    expect_damaged(path, data, size);
    text[9] ^= 1;

    expect_foreign(path, text, length - 1); // no end of the line
    expect_foreign(path, "\n\t\n\t\t\n", 6);
    text[0] = text[0] == '0' ? '1' : '0'; // of another version
    expect_foreign(path, text, length);
    text[0] = 'x';
    expect_foreign(path, text, length);
    free(data);

    // A kernel that there is not, and names of any length, under the right stamp and name.
    static const char *const kernels[] = {"direct 3x3", "", "winograd\twinograd", NULL};
    CU_ASSERT_EQUAL_FATAL(cgv_fs_read(&data, &size, path, 1 << 20), CGV_OK);
    text = (char *)data + sizeof(uint64_t);
    length = (size_t)((char *)memrchr(text, '\t', size - sizeof(uint64_t)) + 1 - text);
    for (int i = 0; i < 4; i++) {
        char line[900];
        int written = snprintf(line, sizeof line, "%.*s%*s\n", (int)length, text,
                               kernels[i] ? 0 : 400, kernels[i] ? kernels[i] : "winograd");
        expect_foreign(path, line, (size_t)written);
    }
    free(data);
    free(path);
}

// What a run wrote down wins over what is measured here, and does not become it.
static void test_given(void) {
    cgv_conv_choice own, choice, choices[CGV_MAX_CHOICES];
    cgv_note *notes;
    char name[CGV_CHOICE_NAME];
    int count;
    choose_anew(&own);
    cgv_device *device = open_device();
    choose(&choice, device);
    CU_ASSERT_EQUAL_FATAL(cgv_notes_used(device, &notes, &count), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    close_device(&device);

    int candidates = cgv_conv_choices(choices, cgv_test_device(), large, large, &three);
    cgv_conv_choice other = choices[same(own, choices[candidates - 1]) ? 0 : candidates - 1];
    cgv_conv_choice_name(name, other);
    device = open_device();
    CU_ASSERT_EQUAL(cgv_notes_put(device, notes[0].name, name, true), CGV_OK);
    CU_ASSERT_FALSE(choose(&choice, device));
    CU_ASSERT(same(choice, other));
    cgv_notes_keep(device);
    close_device(&device);
    CU_ASSERT_FALSE(choose_anew(&choice));
    CU_ASSERT(same(choice, own));
    free(notes);

    device = open_device();
    cgv_test_listen();
    CU_ASSERT_EQUAL(cgv_notes_put(device, "a\tb", "winograd", true), CGV_ERROR_FORMAT);
    CU_ASSERT(cgv_test_said("not what was measured"));
    close_device(&device);
}

// The tile is no matter of the numbers: to the byte where training counts on it.
static void test_exact(void) {
    static const struct {
        cgv_tensor y, x;
        cgv_conv_params params;
    } layers[] = {
        {{.n = 2, .c = 24, .h = 47, .w = 50},
         {.n = 2, .c = 16, .h = 47, .w = 50},
         {16, 24, 3, 1, 1, 0, 1, .pad_mode = CGV_PAD_REFLECT, .exact = true}},
        {{.n = 1, .c = 20, .h = 33, .w = 35},
         {.n = 1, .c = 32, .h = 67, .w = 70},
         {32, 20, 4, 2, 1, 0, 1, .exact = true}},
        {{.n = 1, .c = 12, .h = 100, .w = 98},
         {.n = 1, .c = 40, .h = 50, .w = 49},
         {40, 12, 3, 2, 1, 1, 1, .transposed = true, .exact = true}},
        {{.n = 1, .c = 16, .h = 66, .w = 66},
         {.n = 1, .c = 16, .h = 64, .w = 64},
         {16, 16, 3, 1, 2, 0, 1, .mirrored = true, .exact = true}},
        {{.n = 1, .c = 8, .h = 90, .w = 91},
         {.n = 1, .c = 3, .h = 90, .w = 91},
         {3, 8, 7, 1, 3, 0, 1, .pad_mode = CGV_PAD_REFLECT, .exact = true}},
        {{.n = 1, .c = 64, .h = 61, .w = 64},
         {.n = 1, .c = 64, .h = 61, .w = 64},
         {64, 64, 3, 1, 1, 0, 64, .pad_mode = CGV_PAD_REFLECT, .exact = true}},
    };
    cgv_device *device = open_device();
    cgv_chooser chooser = {.device = device};
    cgv_test_listen_to(CGV_LOG_WARNING);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        cgv_conv_choice choice;
        chooser.measured = false;
        CU_ASSERT_EQUAL(
            cgv_conv_choose(&chooser, &choice, layers[i].y, layers[i].x, &layers[i].params),
            CGV_OK);
        CU_ASSERT(chooser.measured && choice.kernel != CGV_CONV_WINOGRAD);
    }
    CU_ASSERT_EQUAL(cgv_test_messages(), 0);
    close_device(&device);
}

// What is done in no time is not measured; of a large picture a part is.
static void test_sizes(void) {
    cgv_tensor small = {.n = 1, .c = 16, .h = 8, .w = 8};
    cgv_tensor huge = {.n = 1, .c = 16, .h = 1 << 17, .w = 64}, higher = huge;
    cgv_conv_choice choice;
    cgv_device *device = open_device();
    cgv_chooser chooser = {.device = device};
    CU_ASSERT_EQUAL(cgv_conv_choose(&chooser, &choice, small, small, &three), CGV_OK);
    CU_ASSERT_FALSE(chooser.measured);
    CU_ASSERT(same(choice, cgv_conv_rule(device, small, small, &three)));
    CU_ASSERT_EQUAL(cgv_conv_choose(&chooser, &choice, huge, huge, &three), CGV_OK);
    CU_ASSERT(chooser.measured);
    chooser.measured = false;
    higher.h *= 2;
    CU_ASSERT_EQUAL(cgv_conv_choose(&chooser, &choice, higher, higher, &three), CGV_OK);
    CU_ASSERT_FALSE(chooser.measured);
    close_device(&device);
}

// ---- a network

static int count_kernels(cgv_kernels kernels, bool train, const char *name) {
    cgv_net *net;
    cgv_plan *plan;
    int count = 0;
    CU_ASSERT_EQUAL_FATAL(
        cgv_arch_by_name(&net, &(cgv_arch_options){.name = "resnet_1blocks", .ngf = 8}), CGV_OK);
    cgv_plan_params params = {.n = 1, .h = 16, .w = 16, .train = train, .kernels = kernels};
    CU_ASSERT_EQUAL_FATAL(cgv_plan_create(&plan, cgv_test_device(), net, &params), CGV_OK);
    for (int s = 0; s < cgv_plan_step_count(plan); s++) {
        cgv_plan_step_info step = cgv_plan_step(plan, s);
        CU_ASSERT_EQUAL(step.macs > 0, *step.kernel != 0);
        count += !strncmp(step.kernel, name, strlen(name));
    }
    cgv_plan_destroy(&plan);
    cgv_net_destroy(&net);
    return count;
}

static void test_names(void) {
    CU_ASSERT_EQUAL(count_kernels(CGV_KERNELS_DIRECT, false, "direct "), 8);
    CU_ASSERT_EQUAL(count_kernels(CGV_KERNELS_WINOGRAD, false, "winograd"), 2);
    CU_ASSERT_EQUAL(count_kernels(CGV_KERNELS_WINOGRAD, true, "winograd"), 0);
    static const char *const kinds[] = {"direct 4x4", "direct 4x2", "direct 2x2", "winograd"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        CU_ASSERT_EQUAL(count_kernels(CGV_KERNELS_AUTO, false, kinds[i]), // they are small
                        count_kernels(CGV_KERNELS_RULES, false, kinds[i]));
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"the winner", test_winner},
        {"the winner on a CPU", test_winner_on_cpu},
        {"wrong numbers", test_wrong_numbers},
        {"kept on disk", test_kept},
        {"a damaged cache", test_damaged},
        {"given", test_given},
        {"the same bytes", test_exact},
        {"small and large", test_sizes},
        {"by name", test_names},
        {0},
    };
    setenv("CGV_FAULT", "kernel@1", 1);
    if (!mkdtemp(folder))
        return 1;
    int status = cgv_test_run("choose", cases);
    remove_file();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) ? 1 : status;
}
