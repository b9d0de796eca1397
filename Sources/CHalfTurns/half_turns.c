// The one costly step of a long cosine schedule, eight at a time. In C, because Swift cannot compile one function for
// several processors: with AVX2 this takes half the time of what every x86-64 can do, with AVX-512 a third.
//
// Source: the reduction and the polynomials of FreeBSD's msun (e_rem_pio2.c, k_cos.c, k_sin.c), Sun Microsystems, 1993.

#include "half_turns.h"

// A product and a sum in one step would be rounded once where others round twice.
#pragma STDC FP_CONTRACT OFF

typedef double Eight __attribute__((vector_size(64)));
typedef long long Mask __attribute__((vector_size(64)));

// How vectors are handed over differs between processors; here every function that takes one is inlined.
#pragma clang diagnostic ignored "-Wpsabi"

#define INLINE static inline __attribute__((always_inline))

INLINE Eight choose(Mask mask, Eight yes, Eight no) { return (Eight)((mask & (Mask)yes) | (~mask & (Mask)no)); }

/// a + z·(b + z·c)
INLINE Eight horner(double a, double b, double c, Eight z) { return a + z * (b + z * c); }

/// The cosine of angle + tail, of at most π/4.
INLINE Eight cosine(Eight angle, Eight tail) {
  Eight z = angle * angle;
  Eight low = z * horner(4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, z);
  Eight high = horner(-2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11, z);
  Eight series = low + z * z * (z * z) * high;
  Eight half = z * 0.5;
  Eight rest = 1.0 - half;
  Eight lost = (1.0 - rest) - half;
  return rest + (lost + (z * series - angle * tail));
}

/// The sine of angle + tail, of at most π/4.
INLINE Eight sine(Eight angle, Eight tail) {
  Eight z = angle * angle;
  Eight low = horner(8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06, z);
  Eight high = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10;
  Eight series = low + z * (z * z) * high;
  Eight cube = z * angle;
  return angle - ((z * (tail * 0.5 - cube * series) - tail) + cube * 1.66666666666666324348e-01);
}

INLINE Eight cosine_of_half_turns(Eight x) {
  Eight product = x * 3.141592653589793;
  // The nearest whole number, by rounding at 2⁵²; to round in so many words is a call for each lane on older processors.
  Eight magic = (Eight){0} + 0x1.8p52;
  Eight quarters = (product * 6.36619772367581382433e-01 + magic) - magic;
  // The product less its quarter turns: π/2 in two parts, the first short enough that a few of it are exact.
  Eight first = product - quarters * 1.57079632673412561417e+00;
  Eight second = quarters * 6.07710050650619224932e-11;
  Eight angle = first - second;
  Eight tail = (first - angle) - second;

  // Along a curve of many steps all nearly always lie in the same quarter turn: one polynomial does. They ascend, so
  // that the first and the last tell; where they do not, one number stands in all.
  double quarter = quarters[0];
  if (quarters[7] == quarter) {
    Eight value = quarter == 1 || quarter == 3 ? sine(angle, tail) : cosine(angle, tail);
    return quarter == 1 || quarter == 2 ? -value : value;
  }
  Mask isOdd = (quarters == 1.0) | (quarters == 3.0);
  Mask isNegative = (quarters == 1.0) | (quarters == 2.0);
  Eight value = choose(isOdd, sine(angle, tail), cosine(angle, tail));
  return choose(isNegative, -value, value);
}

double half_turns_cosine(double x) { return cosine_of_half_turns((Eight){0} + x)[0]; }

INLINE void wave(double *rates, long count, double start, double stride, double total, double end, double height) {
  const Eight lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  for (long index = 0; index < count; index += 8) {
    Eight phase = (start + ((double)index + lanes) * stride) / total;
    Eight eight = end + height * ((1.0 + cosine_of_half_turns(phase)) / 2.0);
    __builtin_memcpy(rates + index, &eight, sizeof eight);
  }
}

#define WAVE(name)                                                                                                     \
  static void name(double *rates, long count, double start, double stride, double total, double end, double height) { \
    wave(rates, count, start, stride, total, end, height);                                                            \
  }

#if defined(__x86_64__)
__attribute__((target("avx512f"))) WAVE(wave_of_avx512)
__attribute__((target("avx2"))) WAVE(wave_of_avx2)
#endif
WAVE(wave_of_any)

void half_turns_wave(double *rates, long count, double start, double stride, double total, double end, double height) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return wave_of_avx512(rates, count, start, stride, total, end, height);
  if (__builtin_cpu_supports("avx2")) return wave_of_avx2(rates, count, start, stride, total, end, height);
#endif
  wave_of_any(rates, count, start, stride, total, end, height);
}
