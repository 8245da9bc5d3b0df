// HDR to SDR: ITU-R BT.2100 (PQ, HLG), BT.2390 (EETF), BT.2408 (white of SDR at 203 nits).

// As cgv_transfer and cgv_gamut.
const int TRANSFER_SDR = 0;
const int TRANSFER_PQ = 1;
const int TRANSFER_HLG = 2;
const int GAMUT_BT709 = 0;
const int GAMUT_BT2020 = 1;
const int GAMUT_P3 = 2;

const float SDR_WHITE = 203;
const float PQ_M1 = 2610.0 / 16384, PQ_M2 = 2523.0 / 32;
const float PQ_C1 = 3424.0 / 4096, PQ_C2 = 2413.0 / 128, PQ_C3 = 2392.0 / 128;

float pq_to_nits(float code)
{
    float v = pow(clamp(code, 0, 1), 1 / PQ_M2);
    return 10000 * pow(max(v - PQ_C1, 0) / (PQ_C2 - PQ_C3 * v), 1 / PQ_M1);
}

float nits_to_pq(float nits)
{
    float v = pow(clamp(nits / 10000, 0, 1), PQ_M1);
    return pow((PQ_C1 + PQ_C2 * v) / (1 + PQ_C3 * v), PQ_M2);
}

// Scene light in [0, 1].
float hlg_to_light(float code)
{
    const float a = 0.17883277, b = 1 - 4 * a, c = 0.55991073; // c: 0.5 - a ln(4 a)
    code = clamp(code, 0, 1);
    return code <= 0.5 ? code * code / 3 : (exp((code - c) / a) + b) / 12;
}

vec3 luminance_weights(int gamut)
{
    return gamut == GAMUT_BT2020 ? vec3(0.2627, 0.6780, 0.0593)
           : gamut == GAMUT_P3   ? vec3(0.228975, 0.691739, 0.079287)
                                 : vec3(0.2126, 0.7152, 0.0722);
}

// Linear light to BT.709's primaries; luminance stays. Columns are those of R, G, B.
vec3 to_bt709(vec3 rgb, int gamut)
{
    if (gamut == GAMUT_BT2020)
        return mat3(1.660491, -0.124550, -0.018151, -0.587641, 1.132900, -0.100579, -0.072850,
                    -0.008349, 1.118730) * rgb;
    if (gamut == GAMUT_P3)
        return mat3(1.224940, -0.042057, -0.019638, -0.224940, 1.042057, -0.078636, 0, 0,
                    1.098274) * rgb;
    return rgb;
}

// What a display of `peak` nits shows. BT.2100's system gamma of HLG is 1.2 at 1000 nits.
vec3 display_light(vec3 code, int transfer, int gamut, float peak)
{
    if (transfer == TRANSFER_PQ)
        return min(vec3(pq_to_nits(code.r), pq_to_nits(code.g), pq_to_nits(code.b)), peak);
    vec3 scene = vec3(hlg_to_light(code.r), hlg_to_light(code.g), hlg_to_light(code.b));
    float gamma = 1.2 + 0.42 * log(peak / 1000) / log(10.0);
    float luminance = dot(scene, luminance_weights(gamut));
    return luminance > 0 ? peak * pow(luminance, gamma - 1) * scene : vec3(0);
}

// BT.2390's EETF for black at 0: nits of a display of `peak` to nits of one of SDR_WHITE.
float compress(float nits, float peak)
{
    float top = nits_to_pq(peak), most = nits_to_pq(SDR_WHITE) / top;
    float e = min(nits_to_pq(nits) / top, 1), knee = 1.5 * most - 0.5;
    if (e < knee)
        return nits;
    float t = (e - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
    e = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (3 * t2 - 2 * t3) * most;
    return pq_to_nits(e * top);
}

// R'G'B' of HDR to R'G'B' of BT.709 in [0, 1].
vec3 tone_map(vec3 code, int transfer, int gamut, float peak)
{
    vec3 light = display_light(code, transfer, gamut, peak);
    float before = dot(light, luminance_weights(gamut));
    if (before <= 0)
        return vec3(0);
    float luminance = compress(before, peak) / SDR_WHITE;
    vec3 rgb = to_bt709(light * (luminance / before), gamut);
    // Towards grey, until the gamut holds it.
    float share = 1;
    for (int c = 0; c < 3; c++) {
        if (rgb[c] > 1)
            share = min(share, (1 - luminance) / (rgb[c] - luminance));
        if (rgb[c] < 0)
            share = min(share, luminance / (luminance - rgb[c]));
    }
    rgb = clamp(luminance + max(share, 0) * (rgb - luminance), 0, 1);
    return pow(rgb, vec3(1 / 2.4));
}
