// Long sums whose rounding is a single one (docs/numerics.md).

// The type that a convolution adds its input channels up in. Double where that is cheap: on a CPU;
// most GPUs have none, or slow ones.
#ifdef WIDE_SUMS
#define SUM double
#else
#define SUM float
#endif

// sum += x, where `lost` carries what rounding took so far (Kahan 1965); both begin as 0.
void add_compensated(inout float sum, inout float lost, float x)
{
    precise float wanted = x - lost;
    precise float next = sum + wanted;
    precise float gained = next - sum;
    lost = gained - wanted;
    sum = next;
}
