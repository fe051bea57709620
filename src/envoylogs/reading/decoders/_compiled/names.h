/* Numbers what repeats.
 *
 * Names are any bytes. Each keeps its place as long as the table lives; within a batch it also has
 * a number, from 0 in the order in which names are met, so that what is handed out of a batch is
 * what was met in it.
 */
#ifndef ENVOYLOGS_NAMES_H
#define ENVOYLOGS_NAMES_H

#include "buffer.h"
#include "cursor.h"

typedef struct {
    uint64_t hash;
    size_t offset; /* of its bytes in the arena */
    uint32_t length;
    uint32_t batch;  /* in which it was met last */
    uint32_t number; /* within that batch */
    bool is_marked;  /* by whoever uses it */
} Name;

typedef struct {
    Buffer bytes;    /* the arena */
    Name *names;
    uint32_t *slots; /* places of names, plus one; 0 is free */
    uint32_t *met;   /* places of the names of this batch, in the order of their numbers */
    uint32_t size, capacity, n_slots; /* n_slots is a power of two, or 0 */
    uint32_t batch, n_met;
    uint32_t n_met_last; /* in the batch before, if these are still known */
    uint64_t seed[2];
} Names;

static const uint32_t NO_NAME = UINT32_MAX;

/* Returns the number of a name within this batch; NO_NAME if there is no memory. */
uint32_t number_of(Names *names, Span name);

/* The bytes of a name by its number within this batch. */
Span name_of(const Names *names, uint32_t number);

/* Whether a name is marked, by its number within this batch. */
static inline bool is_marked(const Names *names, uint32_t number)
{
    return names->names[names->met[number]].is_marked;
}

/* Marks names of the batch before, by their numbers within it; false if this one has some already,
 * or these are forgotten. */
bool mark_last(Names *names, const uint8_t *marks, size_t n);

/* Begins a batch; forgets all names if they have become too many. */
void begin_batch(Names *names);

void free_names(Names *names);

#endif
