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
