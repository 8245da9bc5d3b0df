// The pixels that packing starts from. Needs BLEND (mix with push.original), and push.rgb, original,
// tensor_width, tensor_height, strength, wipe, line.

vec3 load_pixel(uint64_t tensor, int i)
{
    int plane = push.tensor_width * push.tensor_height;
    return vec3(Floats(at(tensor, i)).v[0], Floats(at(tensor, i + plane)).v[0],
                Floats(at(tensor, i + 2 * plane)).v[0]);
}

// `v`, which is pixel `i` of push.rgb, in column x, blended, in [0, 1]. Left of the wipe the original
// shows, and the wipe begins with a white line.
vec3 finish_pixel(vec3 v, int i, int x)
{
    bool left = x < push.wipe;
    if (BLEND != 0 && (left || push.strength < 1)) {
        vec3 before = load_pixel(push.original, i);
        v = left ? before : before + push.strength * (v - before);
    }
    if (BLEND != 0 && !left && x < push.wipe + push.line)
        return vec3(1);
    return 0.5 * v + 0.5;
}
