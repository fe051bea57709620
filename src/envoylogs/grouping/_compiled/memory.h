/* Memory that grows, and a hash that nobody can foresee. Knows nothing of Python. */
#ifndef ENVOYLOGS_MEMORY_H
#define ENVOYLOGS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Makes room in an array for at least so many elements of a size, of one at least.
 *
 * Returns: where the array is from now on; NULL if there is no memory, and then it is as before.
 */
void *with_room(void *array, size_t *capacity, size_t wanted, size_t size);

/* 128 bits that are drawn anew for each table: with them the places of values in it can't be
 * foreseen, so that nobody can send values that all have the same. */
typedef struct {
    uint64_t low, high;
} Seed;

/* SipHash-1-3 of some bytes. */
uint64_t hash_of(Seed seed, const uint8_t *bytes, size_t length);

/* The next of a row of numbers that a seed begins (SplitMix64). */
uint64_t next_of(Seed *seed);

#endif
