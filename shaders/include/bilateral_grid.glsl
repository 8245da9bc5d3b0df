// Where a pixel lies in the bilateral grid: shared by slicing and its gradients.
const vec3 LUMA = vec3(0.299, 0.587, 0.114);

// A pixel's position along a side of the grid, between the centres of the outermost cells.
float grid_position(int pixel, int size, int cells)
{
    return clamp((float(pixel) + 0.5) * float(cells) / float(size) - 0.5, 0, float(cells - 1));
}

// Its depth: black lies at 0, white at GRID_DEPTH - 1.
float grid_depth(vec3 rgb)
{
    return clamp((dot(rgb, LUMA) + 1) * (0.5 * float(GRID_DEPTH - 1)), 0, float(GRID_DEPTH - 1));
}

// Never outside, even where the picture is not a number.
int grid_level(float depth)
{
    return clamp(whole(depth), 0, GRID_DEPTH - 2);
}

vec3 load_rgb(uint64_t pixel, int plane)
{
    return vec3(Floats(pixel).v[0], Floats(at(pixel, plane)).v[0], Floats(at(pixel, 2 * plane)).v[0]);
}

void store_rgb(uint64_t pixel, int plane, vec3 rgb)
{
    Floats(pixel).v[0] = rgb.r;
    Floats(at(pixel, plane)).v[0] = rgb.g;
    Floats(at(pixel, 2 * plane)).v[0] = rgb.b;
}

// The matrices of a picture's grid at level z and position p, interpolated across cells: rows.
void load_matrix(out vec4 rows[3], uint64_t grid, ivec2 cells, vec2 p, int z)
{
    ivec2 low = clamp(whole(p), ivec2(0), cells - 1), high = min(low + 1, cells - 1);
    vec2 f = p - vec2(low);
    int plane = cells.x * cells.y;
    uint64_t level = at(grid, z * GRID_TERMS * plane);
    int corner[4] = int[4](low.y * cells.x + low.x, low.y * cells.x + high.x,
                           high.y * cells.x + low.x, high.y * cells.x + high.x);
    float weight[4] = float[4]((1 - f.x) * (1 - f.y), f.x * (1 - f.y), (1 - f.x) * f.y, f.x * f.y);
    [[unroll]] for (int term = 0; term < GRID_TERMS; term++) {
        float sum = 0;
        [[unroll]] for (int i = 0; i < 4; i++)
            sum += weight[i] * Floats(at(level, term * plane + corner[i])).v[0];
        rows[term / 4][term % 4] = sum;
    }
}
