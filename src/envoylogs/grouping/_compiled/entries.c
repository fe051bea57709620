#include "entries.h"

#include <stdlib.h>

enum {
    FEWEST_SLOT_BITS = 9, /* twice as many slots as rows at once */
    MOST_SLOT_BITS = 31,
};

void begin_counts(Counts *counts, Seed seed, size_t n_values, size_t n_measures)
{
    counts->n_values = n_values;
    counts->n_measures = n_measures;
    counts->n_words = 1 + n_values;
    uint64_t there = UINT64_C(1) << THERE_FROM;
    for (size_t m = 0; m < n_measures; m++) {
        Measure *measure = &counts->measures[m];
        measure->word = counts->n_words;
        counts->n_words += measure->operation == SUM ? 2 : 1;
        if (is_extreme(*measure)) {
            measure->there = there;
            there <<= 1;
        }
    }
    for (size_t word = 0; word <= n_values; word++)
        counts->factors[word] = next_of(&seed) | 1;
}

bool make_room(Counts *counts)
{
    uint64_t *entries = with_room(
        counts->entries, &counts->capacity, counts->n_entries + AT_ONCE,
        counts->n_words * sizeof *entries);
    if (entries == NULL)
        return false;
    counts->entries = entries;
    unsigned bits = counts->slot_bits == 0 ? FEWEST_SLOT_BITS : counts->slot_bits;
    while ((size_t)1 << bits < 2 * (counts->n_entries + AT_ONCE))
        bits++;
    if (bits == counts->slot_bits)
        return true;
    if (bits > MOST_SLOT_BITS)
        return false;
    size_t n_slots = (size_t)1 << bits;
    uint64_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return false;
    free(counts->slots);
    counts->slots = slots;
    counts->slot_bits = bits;
    for (size_t n = 0; n < counts->n_entries; n++) {
        const uint64_t *entry = entries + n * counts->n_words;
        uint64_t hash = hash_of_words(counts->factors, entry, 1 + counts->n_values);
        size_t at = slot_of(bits, hash);
        while (slots[at] != 0)
            at = (at + 1) & (n_slots - 1);
        slots[at] = as_slot(hash, n);
    }
    return true;
}

void free_counts(Counts *counts)
{
    free(counts->entries);
    free(counts->slots);
    counts->entries = counts->slots = NULL;
    counts->n_entries = counts->capacity = 0;
    counts->slot_bits = 0;
}
