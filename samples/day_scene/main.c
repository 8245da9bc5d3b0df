// day_scene: a drive down a sunny street, ray traced.
//     day_scene video > day.y4m        day_scene audio > day.wav
//     day_scene frame N > frame.y4m
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scene.h"
#include "sound.h"

#define WIDTH   640
#define HEIGHT  360
#define RATE    25
#define SECONDS 5
#define SAMPLES 6 // a pixel, spread over half a frame's time as well

typedef struct picture {
    const scene *scene;
    int frame;
    int next_row; // the next that a thread may take
    pthread_mutex_t lock;
    uint8_t y[WIDTH * HEIGHT], cb[WIDTH * HEIGHT], cr[WIDTH * HEIGHT];
} picture;

static ray camera_ray(float px, float py, float time) {
    float sway = 0.012f * sinf(1.9f * time) + 0.006f * sinf(4.3f * time);
    vec eye = v3(1.55f + 0.1f * sinf(0.8f * time), 1.42f + 0.5f * sway, -4 + 5.6f * time);
    vec ahead = normalise(v3(-0.035f + 0.5f * sway, 0.055f + 0.35f * sway, 1));
    vec right = normalise(cross(v3(0, 1, 0), ahead)), up = cross(ahead, right);
    float x = (px - WIDTH / 2.0f) / (WIDTH / 2.0f), y = (HEIGHT / 2.0f - py) / (WIDTH / 2.0f);
    vec d = along(along(ahead, right, 0.64f * x), up, 0.64f * y);
    return (ray){eye, normalise(d), time, false};
}

// Linear light to display: a film-like curve with a soft shoulder, then the sRGB-like gamma.
static float tone(float x) {
    x *= 0.7f;
    x = x * (2.4f * x + 0.06f) / (x * (2.2f * x + 0.75f) + 0.12f);
    return powf(clampf(x, 0, 1), 1 / 2.2f);
}

static vec pixel(const scene *s, int x, int y, int frame) {
    vec sum = grey(0);
    for (int i = 0; i < SAMPLES; i++) {
        sampler random = {.pixel = (frame * HEIGHT + y) * WIDTH + x, .sample = i};
        // A low-discrepancy pattern (the plastic number's powers) over the pixel.
        float u = fmodf(0.5f + 0.7548777f * (float)i, 1),
              v = fmodf(0.5f + 0.5698403f * (float)i, 1);
        float time = ((float)frame + 0.5f * ((float)i + 0.5f) / SAMPLES) / RATE;
        vec c = light_trace(s, camera_ray((float)x + u, (float)y + v, time), &random);
        // Bounded, so that one glint does not leave a jagged spot.
        sum = add(sum, v3(fminf(c.x, 3), fminf(c.y, 3), fminf(c.z, 3)));
    }
    sum = scale(sum, 1.0f / SAMPLES);
    float dx = ((float)x - WIDTH / 2.0f) / WIDTH, dy = ((float)y - HEIGHT / 2.0f) / WIDTH;
    sum = scale(sum, 1 - 0.35f * (dx * dx + dy * dy)); // vignette
    return v3(tone(sum.x), tone(sum.y), tone(sum.z));
}

static uint8_t code(float v) {
    return (uint8_t)clampf(v + 0.5f, 0, 255);
}

static void *render_rows(void *opaque) {
    picture *p = opaque;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        int row = p->next_row++;
        pthread_mutex_unlock(&p->lock);
        if (row >= HEIGHT)
            return NULL;
        for (int x = 0; x < WIDTH; x++) {
            vec c = pixel(p->scene, x, row, p->frame);
            float luma = 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z; // BT.709
            int i = row * WIDTH + x;
            p->y[i] = code(16 + 219 * luma);
            p->cb[i] = code(128 + 224 * (c.z - luma) / 1.8556f);
            p->cr[i] = code(128 + 224 * (c.x - luma) / 1.5748f);
        }
    }
}

static bool render(picture *p, int frame, FILE *out) {
    pthread_t threads[64];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int count = cores < 1 ? 1 : cores > 64 ? 64 : (int)cores, started = 0;
    p->frame = frame;
    p->next_row = 0;
    while (started < count - 1 && !pthread_create(&threads[started], NULL, render_rows, p))
        started++;
    render_rows(p);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    size_t size = sizeof p->y;
    return fputs("FRAME\n", out) >= 0 && fwrite(p->y, 1, size, out) == size &&
           fwrite(p->cb, 1, size, out) == size && fwrite(p->cr, 1, size, out) == size;
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    bool one = !strcmp(mode, "frame") && argc == 3;
    if (!strcmp(mode, "audio") && argc == 2)
        return sound_write(stdout, SECONDS) ? 0 : 1;
    if (!one && (strcmp(mode, "video") || argc != 2)) {
        fprintf(stderr, "usage: day_scene video | audio | frame N\n");
        return 2;
    }
    static scene street;
    static picture screen = {.lock = PTHREAD_MUTEX_INITIALIZER};
    scene_build(&street);
    screen.scene = &street;
    int first = one ? atoi(argv[2]) : 0, last = one ? first : RATE * SECONDS - 1;
    bool ok = printf("YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C444\n", WIDTH, HEIGHT, RATE) > 0;
    for (int frame = first; ok && frame <= last; frame++) {
        ok = render(&screen, frame, stdout);
        fprintf(stderr, "\rframe %d of %d ", frame + 1, last + 1);
    }
    fputc('\n', stderr);
    ok = !fflush(stdout) && ok;
    scene_free(&street);
    return ok ? 0 : 1;
}
