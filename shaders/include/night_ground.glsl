// How bright the ground is at night, at most, that by day has this brightness, in [0, 2].
float darkened(float by_day)
{
    return 2 * push.most * (push.gamma == 1 ? 0.5 * by_day : pow(max(0.5 * by_day, 0), push.gamma));
}
