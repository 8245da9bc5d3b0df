// Wind in the trees, the hum of the car, others passing on the left, a few birds, a quiet chord.
#include "sound.h"

#include <stdint.h>
#include <string.h>

#include "vec.h"

#define RATE 48000
#define TAU  6.2831853f

static float white(uint32_t *state) {
    *state = hash_bits(*state + 0x9e3779b9u);
    return (float)(*state >> 8) * 0x1p-23f - 1;
}

// A car passes at `when`: rises, turns from ahead to behind, falls.
static float passing(float time, float when) {
    float d = (time - when) / 0.28f;
    return 1 / (1 + d * d);
}

static float bird(float time, float when, float pitch) {
    float t = time - when, chirp = fmodf(t, 0.11f);
    if (t < 0 || t > 0.44f)
        return 0;
    float sweep = pitch * chirp + 5200 * chirp * chirp;
    return sinf(TAU * sweep) * smooth(0, 0.012f, chirp) * smooth(0.08f, 0.04f, chirp);
}

static float chord(float time) {
    static const float notes[] = {220.0f, 277.18f, 329.63f, 415.30f};
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += sinf(TAU * notes[i] * time) * (0.6f + 0.4f * sinf(1.1f * time + 1.7f * (float)i));
    return sum * smooth(0, 1.2f, time);
}

bool sound_write(FILE *out, int seconds) {
    uint32_t samples = (uint32_t)(RATE * seconds), bytes = samples * 4, random = 1;
    uint32_t riff = bytes + 36, format_size = 16, format = 1 | 2 << 16, rate = RATE;
    uint32_t byte_rate = RATE * 4, align = 4 | 16 << 16;
    uint8_t header[44] = "RIFF....WAVEfmt ................data";
    const uint32_t fields[] = {format_size, format, rate, byte_rate, align};
    memcpy(header + 4, &riff, 4);
    memcpy(header + 16, fields, sizeof fields);
    memcpy(header + 40, &bytes, 4);
    bool ok = fwrite(header, 1, sizeof header, out) == sizeof header;
    float wind[2] = {0}, road = 0;
    for (uint32_t i = 0; ok && i < samples; i++) {
        float time = (float)i / RATE, gust = 0.7f + 0.3f * sinf(0.9f * time + 1);
        float hiss = white(&random);
        road += 0.02f * (white(&random) - road);
        float engine = sinf(TAU * 62 * time) + 0.5f * sinf(TAU * 124 * time + 0.4f);
        float near = passing(time, 2.9f) + passing(time, 4.95f);
        float birds = bird(time, 0.7f, 3100) + bird(time, 1.9f, 3600) + bird(time, 3.9f, 2900);
        float fade = smooth(0, 0.15f, time) * smooth((float)seconds, (float)seconds - 0.3f, time);
        int16_t frame[2];
        for (int side = 0; side < 2; side++) {
            wind[side] += 0.08f * (white(&random) - wind[side]);
            float pan = side ? 0.55f : 1;
            float v = 0.10f * gust * wind[side] + 0.5f * road + 0.018f * engine +
                      pan * near * (0.03f * hiss + 0.6f * road) + 0.010f * chord(time) +
                      0.02f * birds * (side ? 1 : 0.6f);
            frame[side] = (int16_t)(clampf(v * fade, -1, 1) * 32000);
        }
        ok = fwrite(frame, sizeof frame, 1, out) == 1;
    }
    return !fflush(out) && ok;
}
