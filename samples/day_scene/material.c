// What a surface is made of at the point that was hit.
#include "scene.h"

// Detail fades where it would be finer than a pixel.
static float detail(float size, float distance) {
    return smooth(2.5f, 0.8f, distance * 0.0025f / size);
}

static bool crossing_stripe(vec p) {
    float stripe = fmodf(p.x + 20, 1.0f);
    return fabsf(p.z - CROSSING_Z) < 1.7f && fabsf(p.x) < ROAD_HALF_WIDTH - 0.3f && stripe < 0.5f;
}

static bool road_marking(vec p) {
    float x = fabsf(p.x), dash = fmodf(p.z + 600, 6);
    if (fabsf(p.z - CROSSING_Z) < 4.2f)
        return crossing_stripe(p) ||
               (fabsf(p.z - CROSSING_Z + 3.2f) < 0.2f && p.x > 0.2f && x < 3.2f);
    if (x < 0.07f)
        return dash < 3;
    if (x > 3.32f && x < 3.44f) // the parking lane
        return fmodf(p.z + 600, 2) < 1;
    return x > 3.4f && x < 5.3f && fmodf(p.z + 603.2f, 11.8f) < 0.1f;
}

static void ground(surface *s, const hit *h) {
    vec p = h->p;
    float patch = fbm2(p.x * 0.6f, p.z * 0.25f, 4, 3), grit = detail(0.03f, h->t);
    float tone = 0.115f + 0.05f * patch;
    // Tyres polish two tracks a lane; oil darkens the line between them.
    float lane = fabsf(fabsf(p.x) - 1.65f);
    tone *= 1 + 0.10f * smooth(0.5f, 0.1f, fabsf(lane - 0.75f)) - 0.16f * smooth(0.4f, 0, lane);
    // Mended trenches and cracks.
    float cell = floorf(p.z / 17);
    float at = (cell + 0.2f + 0.6f * hash3((int)cell, 1, 50)) * 17;
    if (fabsf(p.z - at) < 0.7f && p.x > -5 + 7 * hash3((int)cell, 2, 50) && p.x < 4)
        tone *= 0.72f;
    float crack = fabsf(fbm2(p.x * 0.7f, p.z * 0.5f, 4, 8) - 0.47f);
    tone *= mixf(1, 0.6f, smooth(0.008f, 0.002f, crack) * detail(0.05f, h->t));
    tone *= 1 + grit * 0.5f * (noise2(p.x * 38, p.z * 38, 4) - 0.5f);
    s->albedo = scale(v3(1, 0.985f, 0.96f), tone);
    if (road_marking(p)) {
        float worn = fbm2(p.x * 7, p.z * 5, 3, 12);
        s->albedo = mix(s->albedo, v3(0.62f, 0.61f, 0.58f), smooth(0.58f, 0.36f, worn));
    }
    float cover = hypotf(p.x - 0.9f, fmodf(p.z + 600, 26) - 11);
    if (cover < 0.32f)
        s->albedo = grey(cover > 0.29f || fmodf(p.x * 14 + 99, 1) < 0.3f ? 0.05f : 0.11f);
    float gutter = ROAD_HALF_WIDTH - fabsf(p.x);
    s->occlusion = mixf(0.6f, 1, smooth(0, 0.4f, gutter));
    s->albedo = scale(s->albedo, mixf(0.75f, 1, smooth(0.1f, 0.5f, gutter)));
    s->mirror = 0.015f;
    s->rough = 0.25f;
}

static void pavement(surface *s, const hit *h) {
    vec p = h->p;
    float inward = fabsf(p.x) - ROAD_HALF_WIDTH;
    float x = p.x / 0.6f, z = p.z / 0.6f + 0.5f * fmodf(floorf(fabsf(x)), 2);
    float fx = x - floorf(x), fz = z - floorf(z), tone;
    if (inward < 0.18f) { // the kerb stones
        float joint = fmodf(p.z + 600, 0.9f);
        tone = joint < 0.015f ? 0.7f : 1.12f;
    } else {
        bool joint = fx < 0.03f || fz < 0.03f;
        tone = 0.86f + 0.22f * hash3((int)floorf(x), (int)floorf(z), 6);
        tone = mixf(0.95f, joint ? 0.6f : tone, detail(0.3f, h->t));
    }
    tone *= 0.8f + 0.35f * fbm2(p.x * 1.3f, p.z * 1.3f, 4, 21);
    s->albedo = scale(h->shape->colour, tone);
    s->occlusion = mixf(0.55f, 1, smooth(HOUSE_LINE, HOUSE_LINE - 0.9f, fabsf(p.x)));
    if (hash3((int)floorf(p.x * 9), (int)floorf(p.z * 9), 77) > 0.997f) // chewing gum
        s->albedo = scale(s->albedo, 0.6f);
}

static void roof(surface *s, const hit *h) {
    vec p = h->p;
    if (fabsf(h->normal.y) < 0.3f || h->normal.y < 0) {
        s->albedo = v3(0.35f, 0.31f, 0.27f);
        return;
    }
    int seed = h->shape->seed;
    float along_slope = p.y / 0.22f, row = floorf(along_slope);
    float column = p.z / 0.24f + 0.5f * fmodf(row, 2);
    float tile = hash3((int)floorf(column), (int)row, seed);
    vec base = seed % 3 ? v3(0.34f, 0.13f, 0.08f) : v3(0.13f, 0.13f, 0.15f);
    float edge = smooth(0, 0.25f, along_slope - row), seen = detail(0.22f, h->t);
    float shade = mixf(0.95f, (0.75f + 0.5f * tile) * mixf(0.45f, 1, edge), seen);
    s->albedo = scale(base, shade * (0.75f + 0.5f * fbm2(p.x, p.z, 3, seed)));
    s->normal.y += 0.1f * seen * (column - floorf(column) - 0.5f);
    s->normal = normalise(s->normal);
}

static void brick(surface *s, const hit *h) {
    house wall = {.brick = true, .wall = h->shape->colour};
    float u = fabsf(h->normal.x) > 0.5f ? h->p.z : h->p.x;
    s->albedo = wall_albedo(&wall, u, h->p.y, h->t);
}

static void sign(surface *s, const hit *h) {
    const house *shop = h->shape->house;
    float middle = (shop->z0 + shop->z1) / 2, unit = 0.062f;
    s->albedo = shop->accent;
    s->mirror = 0.03f;
    s->rough = 0.15f;
    if (h->normal.x * (float)shop->side > -0.5f)
        return;
    // Seen from the street, right is against z on the right-hand side.
    float x = (h->p.z - middle) * -(float)shop->side / unit;
    float y = (h->shape->box.hi.y - 0.1f - h->p.y) / unit;
    if (sign_text(shop->name, x, y) > 0)
        s->albedo = v3(0.78f, 0.72f, 0.55f);
    else if (fabsf(y - 3.4f) > 4.4f)
        s->albedo = scale(shop->accent, 1.8f);
}

static void walk_sign(surface *s, const hit *h) {
    const box *b = &h->shape->box;
    float x = fabsf(h->p.x - (b->lo.x + b->hi.x) / 2), y = (h->p.y - b->lo.y) / (b->hi.y - b->lo.y);
    if (y > 0.18f && x < 0.55f * (b->hi.x - b->lo.x) * (0.85f - y))
        s->albedo = grey(x < 0.05f && y < 0.6f ? 0.05f : 0.6f);
}

static void leaves(surface *s, const hit *h) {
    vec p = h->p;
    const shape *tree = h->shape;
    float tone = noise3(scale(p, 9), 5), bough = noise3(scale(p, 1.1f), tree->seed);
    vec green = mix(v3(0.035f, 0.075f, 0.016f), v3(0.115f, 0.165f, 0.035f), tone);
    s->albedo = mix(green, v3(0.15f, 0.15f, 0.035f), 0.4f * bough);
    vec out = sub(p, tree->tree.centre);
    float depth = length(out) / tree->tree.radius;
    s->occlusion =
        mixf(0.25f, 1, smooth(0.45f, 1.05f, depth)) * (0.7f + 0.3f * smooth(-1, 1, out.y));
    // Leaves face outwards more than the noise that makes the crown does.
    s->normal = normalise(add(scale(s->normal, 0.6f), scale(out, 0.5f / length(out))));
    int x = (int)floorf(p.x * 13), y = (int)floorf(p.y * 13), z = (int)floorf(p.z * 13);
    vec leaf = v3(hash3(x, y, z) - 0.5f, hash3(y, z, x) - 0.5f, hash3(z, x, y) - 0.5f);
    s->normal = normalise(along(s->normal, leaf, 1.3f * detail(0.09f, h->t)));
    s->wrap = 0.3f;
}

static bool car_window(const shape *c, vec p, vec n) {
    bool van = c->car.van;
    float roof = van ? 1.95f : 1.38f;
    if (p.y < 0.93f || p.y > roof - 0.09f || n.y > 0.9f)
        return false;
    if (fabsf(n.x) < 0.6f) // windscreen and rear window
        return fabsf(p.x) < 0.66f - 0.2f * (p.y - 0.93f) / (roof - 0.93f) && !(van && p.z < 0);
    if (van)
        return p.z > 0.55f && p.z < 1.5f - 0.75f * (p.y - 0.88f);
    bool pillar = fabsf(p.z + 0.28f) < 0.045f;
    float slope = p.y - 0.93f;
    return !pillar && p.z < 0.78f - 1.45f * slope &&
           p.z > c->car.rear + 0.2f + (c->car.rear_lean + 0.15f) * slope;
}

static bool car_lamps(surface *s, vec p, bool van) {
    float end = van ? 2.25f : 1.93f;
    if (p.y < 0.55f || p.y > (van ? 0.86f : 0.75f) || fabsf(p.x) < 0.52f || fabsf(p.z) < end)
        return false;
    if (p.z > 0) {
        float bulb = hypotf(fabsf(p.x) - 0.66f, p.y - 0.65f);
        s->albedo = bulb < 0.065f ? v3(0.9f, 0.9f, 0.86f) : v3(0.35f, 0.36f, 0.38f);
        s->emission = bulb < 0.065f ? grey(1.6f) : grey(0);
    } else {
        s->albedo = p.y > 0.7f ? v3(0.5f, 0.2f, 0.02f) : v3(0.42f, 0.012f, 0.012f);
        s->emission = v3(0.07f, 0, 0);
    }
    s->mirror = 0.06f;
    s->rough = 0.05f;
    return true;
}

static void car(surface *s, const hit *h) {
    const shape *c = h->shape;
    vec p = h->local;
    bool van = c->car.van;
    float axle = van ? 1.5f : 1.28f, nose = van ? 2.3f : 2.0f;
    float hub = hypotf(p.y - 0.32f, fabsf(p.z) - axle);
    s->occlusion = mixf(0.45f, 1, smooth(0.15f, 0.7f, p.y));
    if (hub < 0.34f && fabsf(p.x) > 0.6f) {
        float spoke = fmodf(atan2f(p.y - 0.32f, fabsf(p.z) - axle) * 5 / 6.2832f + 10, 1);
        bool rim = hub < 0.21f && (hub > 0.17f || hub < 0.06f || spoke < 0.5f);
        s->albedo = rim ? grey(0.38f) : grey(0.025f);
        s->mirror = rim ? 0.1f : 0;
        s->rough = 0.2f;
        return;
    }
    if (hub < 0.42f && p.y < 0.75f && fabsf(p.x) < 0.8f) { // the wheel house
        s->albedo = grey(0.012f);
        return;
    }
    if (car_window(c, p, h->normal)) {
        s->albedo = v3(0.014f, 0.016f, 0.017f);
        s->mirror = 0.11f;
        s->rough = 0;
        return;
    }
    if (car_lamps(s, p, van))
        return;
    if (fabsf(p.z) > nose - 0.05f && fabsf(p.x) < 0.26f && fabsf(p.y - 0.5f) < 0.06f) {
        bool writing = fmodf(p.x * 22 + 50, 1) < 0.55f && fabsf(p.y - 0.5f) < 0.035f;
        s->albedo = writing ? grey(0.05f) : grey(0.72f);
        return;
    }
    bool grille = p.z > nose - 0.1f && fabsf(p.x) < 0.45f && p.y > 0.56f && p.y < 0.7f;
    if (p.y < 0.3f || grille) {
        s->albedo = grey(grille && fmodf(p.y * 30, 1) < 0.4f ? 0.12f : 0.02f);
        return;
    }
    s->albedo = c->colour;
    s->mirror = 0.055f;
    s->rough = 0.01f;
    bool side = fabsf(h->normal.x) > 0.6f;
    float doors = fminf(fabsf(p.z - 0.72f), fminf(fabsf(p.z + 0.28f), fabsf(p.z + 1.15f)));
    if (side && doors < 0.012f && p.y < 0.95f)
        s->albedo = scale(c->colour, 0.25f);
    if (side && fabsf(p.y - 0.76f) < 0.018f && fabsf(fabsf(p.z + 0.15f) - 0.3f) < 0.09f)
        s->albedo = grey(0.3f); // door handles
}

surface material_surface(const hit *h, ray r, vec sun) {
    surface s = {.p = h->p, .normal = h->normal, .albedo = h->shape->colour, .occlusion = 1};
    vec lift = along(h->p, h->normal, 0.004f);
    s.sun_origin = lift;
    switch (h->shape->material) {
    case M_GROUND:
        ground(&s, h);
        break;
    case M_PAVEMENT:
        pavement(&s, h);
        break;
    case M_FACADE:
        facade_surface(&s, h, r, sun);
        break;
    case M_ROOF:
        roof(&s, h);
        break;
    case M_BRICK:
        brick(&s, h);
        break;
    case M_SIGN:
        sign(&s, h);
        break;
    case M_AWNING:
        if (fmodf(h->p.z + 600, 0.5f) < 0.25f)
            s.albedo = v3(0.7f, 0.68f, 0.62f);
        s.wrap = 0.2f;
        break;
    case M_METAL:
        s.mirror = 0.05f;
        s.rough = 0.2f;
        break;
    case M_LAMP:
        s.mirror = 0.05f;
        s.rough = 0.1f;
        break;
    case M_BARK:
        s.albedo = scale(s.albedo, 0.6f + 0.8f * noise2(h->p.y * 3, (h->p.x + h->p.z) * 30, 2));
        break;
    case M_LEAVES:
        leaves(&s, h);
        s.sun_origin = along(h->p, sun, 0.25f); // not shadowed by the very leaf
        break;
    case M_CAR:
        car(&s, h);
        break;
    case M_WALK:
        walk_sign(&s, h);
        break;
    case M_TRIM:
        s.albedo = scale(s.albedo, 0.85f + 0.25f * fbm2(h->p.z * 2, h->p.y * 4, 3, 31));
        break;
    }
    return s;
}
