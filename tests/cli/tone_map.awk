# SDR of HDR, by ITU-R BT.2100, BT.2390-10 (section 5.4.1) and BT.1886, for BT.2020's primaries and
# black at zero. Reads codes of 16 bits in full range, "R G B R G B": first what went in, then what
# came out of the program. Prints the largest and the mean distance in codes of 8 bits.
# -v transfer=PQ|HLG -v peak=NITS
function pq_inverse(v, p) {
    p = v ^ (32 / 2523)
    return 10000 * (max(p - .8359375, 0) / (18.8515625 - 18.6875 * p)) ^ (16384 / 2610)
}
function pq(nits, y) {
    y = (nits / 10000) ^ (2610 / 16384)
    return ((.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ^ (2523 / 32)
}
function hlg_inverse(v) {
    return v <= .5 ? v * v / 3 : (exp((v - .55991073) / .17883277) + .28466892) / 12
}
function eetf(nits, e, most, knee, t) {
    e = min(pq(nits) / pq(peak), 1)
    most = pq(203) / pq(peak)
    knee = 1.5 * most - .5
    if (e < knee)
        return nits
    t = (e - knee) / (1 - knee)
    e = (2 * t ^ 3 - 3 * t ^ 2 + 1) * knee + (t ^ 3 - 2 * t ^ 2 + t) * (1 - knee)
    return pq_inverse(pq(peak) * (e + (3 * t ^ 2 - 2 * t ^ 3) * most))
}
function min(a, b) { return a < b ? a : b }
function max(a, b) { return a > b ? a : b }
{
    for (c = 1; c <= 3; c++)
        light[c] = transfer == "PQ" ? min(pq_inverse($c / 65535), peak) : hlg_inverse($c / 65535)
    before = .2627 * light[1] + .678 * light[2] + .0593 * light[3]
    if (transfer == "HLG" && before > 0) {
        system_gain = peak * before ^ (.2 + .42 * log(peak / 1000) / log(10))
        for (c = 1; c <= 3; c++)
            light[c] *= system_gain
        before *= system_gain
    }
    luminance = eetf(before) / 203
    scale = before > 0 ? luminance / before : 0
    out[1] = scale * (1.660491 * light[1] - .587641 * light[2] - .07285 * light[3])
    out[2] = scale * (-.12455 * light[1] + 1.1329 * light[2] - .008349 * light[3])
    out[3] = scale * (-.018151 * light[1] - .100579 * light[2] + 1.11873 * light[3])
    share = 1
    for (c = 1; c <= 3; c++) {
        if (out[c] > 1)
            share = min(share, (1 - luminance) / (out[c] - luminance))
        if (out[c] < 0)
            share = min(share, luminance / (luminance - out[c]))
    }
    for (c = 1; c <= 3; c++) {
        v = 255 * min(max(luminance + share * (out[c] - luminance), 0), 1) ^ (1 / 2.4)
        d = v - $(c + 3) / 257
        d = d < 0 ? -d : d
        sum += d
        worst = max(worst, d)
    }
}
END { printf "%.2f %.3f\n", worst, sum / NR / 3 }
