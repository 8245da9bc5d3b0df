// Moments of two sets, merged (Chan, Golub, LeVeque 1979).
struct Moments {
    float count, mean, m2;
};

Moments merge(Moments a, Moments b)
{
    float count = a.count + b.count;
    float share = count > 0 ? b.count / count : 0;
    float delta = b.mean - a.mean;
    return Moments(count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.count * share);
}

// Those of all lanes, in a fixed order.
Moments merge_lanes(Moments own)
{
    Moments all = Moments(0, 0, 0);
    [[unroll]] for (int l = 0; l < SUBGROUP; l++)
        all = merge(all, Moments(subgroupBroadcast(own.count, uint(l)),
                                 subgroupBroadcast(own.mean, uint(l)),
                                 subgroupBroadcast(own.m2, uint(l))));
    return all;
}
