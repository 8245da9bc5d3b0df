// The pool of past fakes (Shrivastava et al. 2017) against the paper's, picture by picture.
#include "support.h"
#include "train/pool.h"

enum { SLOTS = 3, BATCH = 2, PIXELS = 3 * 2 * 5 };

// Picture `id` tells itself by every pixel.
static float pixel(int id, int i) {
    return (float)(100 * id + i);
}

static bool shows(const float *picture, int id) {
    for (int i = 0; i < PIXELS; i++)
        if (picture[i] != pixel(id, i))
            return false;
    return true;
}

// What the paper's pool does to one fake, with the same random numbers; the picture shown instead.
static int pool_model(int *slots, int *filled, cgv_rng *draw, int fake) {
    if (*filled < SLOTS) {
        slots[(*filled)++] = fake;
        return fake;
    }
    if (cgv_rng_float(draw) <= 0.5f)
        return fake;
    int slot = (int)cgv_rng_below(draw, SLOTS), shown = slots[slot];
    slots[slot] = fake;
    return shown;
}

static void test_pool(void) {
    cgv_device *device = cgv_test_device();
    cgv_buffer fakes;
    cgv_pool pool;
    cgv_cmd *cmd;
    const uint64_t bytes = BATCH * PIXELS * sizeof(float);
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_create(&fakes, device, bytes, CGV_MEMORY_UPLOAD, "fakes"),
                          CGV_OK);
    cgv_tensor batch = {fakes.address, BATCH, 3, 2, 5};
    CU_ASSERT_EQUAL_FATAL(cgv_pool_create(&pool, device, batch, SLOTS, 11, 2), CGV_OK);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_create(&cmd, device, false), CGV_OK);
    cgv_cmd_begin(cmd);
    cgv_pool_record(&pool, cmd, batch);
    CU_ASSERT_EQUAL_FATAL(cgv_cmd_end(cmd), CGV_OK);

    int slots[SLOTS], filled = 0, old = 0, wrong = 0, steps = 200;
    cgv_rng draw;
    cgv_rng_seed(&draw, 11, 2);
    for (int s = 0; s < steps; s++) {
        float *data = fakes.host, shown[BATCH * PIXELS];
        for (int i = 0; i < BATCH * PIXELS; i++)
            data[i] = pixel(BATCH * s + i / PIXELS, i % PIXELS);
        cgv_pool_draw(&pool);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_submit(cmd), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_cmd_wait(cmd), CGV_OK);
        CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&pool.shown, 0, shown, sizeof shown), CGV_OK);
        for (int i = 0; i < BATCH; i++) {
            int fake = BATCH * s + i, expected = pool_model(slots, &filled, &draw, fake);
            wrong += !shows(shown + i * PIXELS, expected);
            old += expected != fake;
            CU_ASSERT(fake >= SLOTS || expected == fake);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(old > 0.4 * BATCH * steps && old < 0.6 * BATCH * steps);
    CU_ASSERT_EQUAL(pool.filled, SLOTS);
    float kept[SLOTS * PIXELS];
    CU_ASSERT_EQUAL_FATAL(cgv_buffer_read(&pool.pictures, 0, kept, sizeof kept), CGV_OK);
    for (int i = 0; i < SLOTS; i++)
        CU_ASSERT(shows(kept + i * PIXELS, slots[i]));
    cgv_cmd_destroy(&cmd);
    cgv_pool_destroy(&pool);

    CU_ASSERT_EQUAL_FATAL(cgv_pool_create(&pool, device, batch, 0, 11, 2), CGV_OK);
    CU_ASSERT_EQUAL(pool.output.address, fakes.address);
    cgv_pool_destroy(&pool);
    cgv_buffer_destroy(&fakes);
}

int main(void) {
    static const cgv_test_case cases[] = {
        {"shown and kept", test_pool},
        {0},
    };
    return cgv_test_run("image pool", cases);
}
