// The front of a house: walls of brick or plaster, and openings with real depth.
#include "scene.h"

#include <string.h>

#define REVEAL 0.16f // depth of an opening

opening house_opening(const house *h, float u, float v) {
    opening none = {.kind = OPENING_NONE};
    float width = h->z1 - h->z0, bay_width = width / (float)h->bays;
    int bay = (int)floorf(u / bay_width), storey = 0;
    if (u < 0 || u > width || v < 0)
        return none;
    opening o = {.kind = OPENING_WINDOW};
    float middle = ((float)bay + 0.5f) * bay_width, base = 0;
    if (v < h->ground_floor && h->shop) {
        bool door = bay == h->door_bay;
        o.kind = door ? OPENING_DOOR : OPENING_PANE;
        o.u0 = (float)bay * bay_width + (bay ? 0.07f : 0.45f);
        o.u1 = (float)(bay + 1) * bay_width - (bay + 1 < h->bays ? 0.07f : 0.45f);
        o.v0 = door ? KERB_HEIGHT : 0.6f;
        o.v1 = h->ground_floor - 0.85f;
    } else if (v < h->ground_floor && bay == h->door_bay) {
        o = (opening){OPENING_DOOR, middle - 0.55f, middle + 0.55f, KERB_HEIGHT, 2.45f, 0};
    } else {
        if (v >= h->ground_floor) {
            storey = 1 + (int)floorf((v - h->ground_floor) / h->storey);
            base = h->ground_floor + (float)(storey - 1) * h->storey;
        }
        if (storey > h->storeys)
            return none;
        o.u0 = middle - h->window_width / 2;
        o.u1 = middle + h->window_width / 2;
        o.v0 = base + (storey ? 0.75f : 0.95f);
        o.v1 = o.v0 + h->window_height;
    }
    o.id = h->seed * 64 + storey * 8 + bay;
    return u > o.u0 && u < o.u1 && v > o.v0 && v < o.v1 ? o : none;
}

// Detail fades where it would be finer than a pixel.
static float detail(float size, float distance) {
    return smooth(2.5f, 0.8f, distance * 0.0025f / size);
}

vec wall_albedo(const house *h, float u, float v, float distance) {
    int seed = h->seed;
    float stain = fbm2(u * 0.5f, v * 0.35f, 3, seed);
    float streak = noise2(u * 2.3f, v * 0.16f, seed + 5);
    vec c = scale(h->wall, 0.86f + 0.22f * stain - 0.10f * smooth(0.6f, 0.95f, streak));
    c = scale(c, mixf(0.8f, 1, smooth(0.2f, 1.3f, v))); // splashes near the ground
    if (!h->brick)
        return scale(c,
                     1 + 0.12f * detail(0.08f, distance) * (noise2(u * 19, v * 19, seed) - 0.5f));
    float row = floorf(v / 0.085f), x = u / 0.25f + 0.5f * fmodf(row, 2);
    float fx = x - floorf(x), fy = v / 0.085f - row, seen = detail(0.085f, distance);
    float tone = 0.72f + 0.56f * hash3((int)floorf(x), (int)row, seed);
    bool joint = fx < 0.05f || fy < 0.14f;
    vec brick = joint ? v3(0.46f, 0.43f, 0.39f) : scale(c, tone);
    return mix(scale(c, 1.03f), brick, seen);
}

// Bitmaps, five columns by seven rows, the top row first.
static const char letters[] = "ABCEFHIKLMOPRSTWY";
static const uint8_t glyphs[][7] = {
    {14, 17, 17, 31, 17, 17, 17}, {30, 17, 17, 30, 17, 17, 30}, {14, 17, 16, 16, 16, 17, 14},
    {31, 16, 16, 30, 16, 16, 31}, {31, 16, 16, 30, 16, 16, 16}, {17, 17, 17, 31, 17, 17, 17},
    {14, 4, 4, 4, 4, 4, 14},      {17, 18, 20, 24, 20, 18, 17}, {16, 16, 16, 16, 16, 16, 31},
    {17, 27, 21, 21, 17, 17, 17}, {14, 17, 17, 17, 17, 17, 14}, {30, 17, 17, 30, 16, 16, 16},
    {30, 17, 17, 30, 20, 18, 17}, {15, 16, 16, 14, 1, 1, 30},   {31, 4, 4, 4, 4, 4, 4},
    {17, 17, 17, 21, 21, 27, 17}, {17, 17, 10, 4, 4, 4, 4}};

// 1 on the letters of text: six units a letter wide, seven high, centred at x = 0, y down from 0.
float sign_text(const char *text, float x, float y) {
    int count = (int)strlen(text);
    x += 3 * (float)count - 0.5f;
    int letter = (int)floorf(x / 6), row = (int)floorf(y);
    int column = (int)floorf(x - 6 * (float)letter);
    if (letter < 0 || letter >= count || row < 0 || row > 6 || column > 4)
        return 0;
    const char *found = strchr(letters, text[letter]);
    return found && glyphs[found - letters][row] >> (4 - column) & 1 ? 1 : 0;
}

// What is behind a pane: curtains and blinds, or a lit shop with goods on shelves.
static vec room(const house *h, const opening *o, float u, float v, float *mirror) {
    float x = (u - o->u0) / (o->u1 - o->u0), y = (v - o->v0) / (o->v1 - o->v0);
    float r = hash3(o->id, 1, 3), fold = 0.85f + 0.15f * sinf(u * 60 + 3 * r);
    if (o->kind != OPENING_WINDOW) {
        vec back = mix(v3(0.035f, 0.03f, 0.026f), v3(0.09f, 0.075f, 0.055f), smooth(0.2f, 1, y));
        int shelf = (int)floorf(v * 2.6f);
        float goods = hash3((int)floorf(u * 5), shelf, h->seed);
        float height = v * 2.6f - (float)shelf;
        if (v < 1.8f && height < 0.3f + 0.6f * goods)
            back = scale(v3(0.3f + goods, 0.9f * hash3((int)floorf(u * 5), shelf, 9) + 0.2f, 0.35f),
                         0.11f);
        *mirror = 0.12f;
        return back;
    }
    *mirror = 0.14f;
    if (r < 0.45f) { // curtains to both sides
        float open = 0.2f + 0.2f * hash3(o->id, 2, 3);
        if (x < open || x > 1 - open)
            return scale(v3(0.34f, 0.32f, 0.28f), fold);
    } else if (r < 0.65f && y > 0.35f + 0.6f * hash3(o->id, 4, 3)) { // a blind
        return scale(v3(0.36f, 0.34f, 0.29f), 0.93f + 0.07f * sinf(v * 110));
    } else if (r > 0.9f) { // net curtain
        return scale(v3(0.26f, 0.26f, 0.26f), fold);
    }
    return mix(v3(0.03f, 0.032f, 0.036f), v3(0.012f, 0.012f, 0.015f), y);
}

static void fill_opening(surface *s, const house *h, const opening *o, float u, float v) {
    float edge = fminf(fminf(u - o->u0, o->u1 - u), fminf(v - o->v0, o->v1 - v));
    float middle = fabsf(u - (o->u0 + o->u1) / 2);
    bool frame = edge < 0.075f;
    if (o->kind == OPENING_WINDOW) {
        frame |= middle < 0.035f;
        if (h->seed % 3)
            frame |= fabsf(v - mixf(o->v0, o->v1, 0.68f)) < 0.03f;
        s->albedo = h->seed % 4 == 1 ? v3(0.13f, 0.10f, 0.08f) : v3(0.74f, 0.74f, 0.72f);
    } else if (o->kind == OPENING_PANE) {
        frame |= fabsf(v - (o->v1 - 0.55f)) < 0.03f;
        s->albedo = scale(h->accent, 0.9f);
    } else if (h->shop) {
        frame |= middle > 0.5f && middle < 0.58f;
        frame |= middle < 0.5f && v < 0.45f;
        s->albedo = scale(h->accent, 0.9f);
    } else { // a panelled door with a light above
        float y = v - o->v0;
        bool light = y > 2.02f && edge > 0.06f;
        float panel = fabsf(fmodf(y, 0.68f) - 0.36f), across = fabsf(middle - 0.24f);
        bool groove = across < 0.17f && panel < 0.24f && (across > 0.14f || panel > 0.21f);
        s->albedo = scale(h->accent, groove ? 0.6f : 1.25f);
        s->mirror = 0.03f;
        s->rough = 0.1f;
        if (!light)
            return;
        frame = false;
    }
    s->mirror = frame ? 0 : s->mirror;
    if (frame)
        return;
    s->albedo = room(h, o, u, v, &s->mirror);
    // No two panes hang quite straight.
    s->normal.y += 0.012f * (hash3(o->id, 7, middle < 0 ? 1 : 2) - 0.5f);
    s->normal.z += 0.03f * (hash3(o->id, 8, u < (o->u0 + o->u1) / 2) - 0.5f);
    s->normal = normalise(s->normal);
    s->rough = 0;
}

// The ray goes on from the wall's plane into the opening, until a reveal or the window stops it.
static void enter_opening(surface *s, const house *h, const opening *o, ray r, vec sun) {
    float side = (float)h->side;
    vec p = s->p;
    float u = p.z - h->z0, v = p.y, into = side * r.direction.x;
    float deep = REVEAL / into;
    float to_u = r.direction.z > 0 ? (o->u1 - u) / r.direction.z
                                   : (o->u0 - u) / fminf(r.direction.z, -1e-6f);
    float to_v = r.direction.y > 0 ? (o->v1 - v) / r.direction.y
                                   : (o->v0 - v) / fminf(r.direction.y, -1e-6f);
    float t = fminf(deep, fminf(to_u, to_v));
    s->p = along(p, r.direction, t);
    u = s->p.z - h->z0;
    v = s->p.y;
    float depth = t * into;
    s->occlusion = mixf(0.9f, 0.62f, depth / REVEAL);
    if (t == deep) {
        fill_opening(s, h, o, u, v);
    } else {
        s->albedo = scale(h->trim, 0.9f);
        s->normal = to_u < to_v ? v3(0, 0, r.direction.z > 0 ? -1.f : 1.f)
                                : v3(0, r.direction.y > 0 ? -1.f : 1.f, 0);
    }
    // Sunlight must come in through the opening as well.
    float out = -side * sun.x;
    if (out < 1e-3f) {
        s->sunless = true;
        return;
    }
    vec mouth = along(s->p, sun, depth / out);
    float mu = mouth.z - h->z0;
    s->sunless = mu < o->u0 || mu > o->u1 || mouth.y < o->v0 || mouth.y > o->v1;
    s->sun_origin = along(mouth, sun, 0.003f);
}

void facade_surface(surface *s, const hit *at, ray r, vec sun) {
    const house *h = at->shape->house;
    float side = (float)h->side;
    bool front = at->normal.x * side < -0.5f;
    float u = front ? at->p.z - h->z0 : at->p.x, v = at->p.y;
    s->albedo = wall_albedo(h, u, v, at->t);
    s->occlusion = mixf(0.6f, 1, smooth(0, 1.2f, v));
    if (!front)
        return;
    opening o = house_opening(h, u, v);
    if (o.kind != OPENING_NONE) {
        enter_opening(s, h, &o, r, sun);
        return;
    }
    if (h->shop && v < h->ground_floor)
        s->albedo = scale(h->accent, 1.1f);
    s->occlusion *= mixf(0.72f, 1, smooth(h->eaves, h->eaves - 0.8f, v)); // under the eaves
}
