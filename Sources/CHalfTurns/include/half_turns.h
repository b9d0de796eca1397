#ifndef HALF_TURNS_H
#define HALF_TURNS_H

/// cos(π·x) for x from 0 to 2.
///
/// The product π·x is rounded first, as every library rounds it, so that the digits are theirs: nearly always the same as
/// the system's cosine of that product, otherwise one unit of the last place beside it.
double half_turns_cosine(double x);

/// Half a cosine wave: end + height·((1 + cos(π·t/total)) / 2) at t = start, start + stride, …
///
/// Every value is what the same operations on one number give, on every processor.
///
/// - rates: is filled; memory for `count` numbers.
/// - count: a multiple of 8.
/// - total: the length of the half wave; no t is less than 0 or greater.
void half_turns_wave(double *rates, long count, double start, double stride, double total, double end, double height);

#endif
