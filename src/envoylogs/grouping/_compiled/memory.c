#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST = 64 };

void *with_room(void *array, size_t *capacity, size_t wanted, size_t size)
{
    if (wanted <= *capacity)
        return array;
    size_t larger = *capacity < FEWEST ? FEWEST : *capacity;
    while (larger < wanted) {
        if (larger > SIZE_MAX / 2)
            return NULL;
        larger *= 2;
    }
    if (larger > SIZE_MAX / size)
        return NULL;
    void *grown = realloc(array, larger * size);
    if (grown != NULL)
        *capacity = larger;
    return grown;
}

static inline uint64_t rotated(uint64_t word, int by) { return word << by | word >> (64 - by); }

/* One round of Aumasson and Bernstein, 2012. */
static inline void mix(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotated(v[1], 13), v[1] ^= v[0], v[0] = rotated(v[0], 32);
    v[2] += v[3], v[3] = rotated(v[3], 16), v[3] ^= v[2];
    v[0] += v[3], v[3] = rotated(v[3], 21), v[3] ^= v[0];
    v[2] += v[1], v[1] = rotated(v[1], 17), v[1] ^= v[2], v[2] = rotated(v[2], 32);
}

uint64_t hash_of(Seed seed, const uint8_t *bytes, size_t length)
{
    uint64_t v[4] = {
        seed.low ^ 0x736f6d6570736575u,
        seed.high ^ 0x646f72616e646f6du,
        seed.low ^ 0x6c7967656e657261u,
        seed.high ^ 0x7465646279746573u,
    };
    size_t whole = length - length % 8;
    for (size_t at = 0; at < whole; at += 8) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        v[3] ^= word;
        mix(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)length << 56;
    for (size_t at = whole; at < length; at++)
        last |= (uint64_t)bytes[at] << 8 * (at - whole);
    v[3] ^= last;
    mix(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    mix(v), mix(v), mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t next_of(Seed *seed)
{
    seed->low += 0x9e3779b97f4a7c15u;
    uint64_t mixed = seed->low ^ seed->high;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}
