/* Random numbers of a search: splitmix64 (Steele, Lea and Flood 2014), of which the state is any number. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static inline uint64_t random_bits(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}
static inline double random_share(uint64_t *state) { return (double)(random_bits(state) >> 11) * 0x1.0p-53; }
static inline int64_t random_below(uint64_t *state, int64_t end) {
    return (int64_t)(random_share(state) * (double)end);
}

#endif
