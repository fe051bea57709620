#include "names.h"

/* Strangers choose hosts and paths: past this nothing is kept over the end of a batch. */
enum { MOST_NAMES = 1 << 18 };
static const size_t MOST_BYTES = (size_t)32 << 20;

static uint64_t mix(uint64_t a, uint64_t b)
{
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    a = (a ^ (b << 32 | b >> 32)) * 0x9E3779B97F4A7C15u;
    return (a ^ a >> 32) * (b | 1) ^ a >> 29;
#endif
}

static uint64_t load8(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

/* Folded multiplication, 16 bytes at a time, as in wyhash (Wang Yi). The seed is secret, so that
 * nobody can write a log in which all names share a slot. */
static uint64_t hash_of(Span name, const uint64_t seed[2])
{
    uint64_t hash = seed[0] ^ name.length;
    const uint8_t *at = name.at;
    size_t length = name.length;
    for (; length > 16; at += 16, length -= 16)
        hash = mix(load8(at) ^ seed[1], load8(at + 8) ^ hash);
    uint64_t a = 0, b = 0;
    if (length >= 8) {
        a = load8(at);
        b = load8(at + length - 8);
    } else if (length > 0) {
        uint8_t last[8] = {0};
        memcpy(last, at, length);
        a = load8(last);
    }
    return mix(mix(a ^ seed[1], b ^ hash), seed[0] ^ 0x9E3779B97F4A7C15u);
}

static bool grow_slots(Names *n)
{
    uint32_t n_slots = n->n_slots ? n->n_slots * 2 : 1024;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return false;
    for (uint32_t place = 0; place < n->size; place++) {
        uint32_t slot = (uint32_t)n->names[place].hash & (n_slots - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = place + 1;
    }
    free(n->slots);
    n->slots = slots;
    n->n_slots = n_slots;
    return true;
}

static bool grow_names(Names *n)
{
    uint32_t capacity = n->capacity ? n->capacity * 2 : 512;
    Name *names = realloc(n->names, capacity * sizeof *names);
    if (names != NULL)
        n->names = names;
    uint32_t *met = realloc(n->met, capacity * sizeof *met);
    if (met != NULL)
        n->met = met;
    if (names == NULL || met == NULL)
        return false;
    n->capacity = capacity;
    return true;
}

static uint32_t met_again(Names *n, uint32_t place)
{
    Name *name = &n->names[place];
    if (name->batch != n->batch) {
        name->batch = n->batch;
        name->number = n->n_met;
        n->met[n->n_met++] = place;
    }
    return name->number;
}

uint32_t number_of(Names *n, Span name)
{
    if (n->size >= n->n_slots / 2 && !grow_slots(n))
        return NO_NAME;
    uint64_t hash = hash_of(name, n->seed);
    uint32_t slot = (uint32_t)hash & (n->n_slots - 1);
    for (; n->slots[slot] != 0; slot = (slot + 1) & (n->n_slots - 1)) {
        const Name *found = &n->names[n->slots[slot] - 1];
        if (found->hash == hash && found->length == name.length
            && (name.length == 0
                || memcmp(n->bytes.data + found->offset, name.at, name.length) == 0))
            return met_again(n, n->slots[slot] - 1);
    }
    if (n->size == NO_NAME - 1 || name.length > UINT32_MAX
        || (n->size == n->capacity && !grow_names(n)) || !reserve(&n->bytes, name.length))
        return NO_NAME;
    n->names[n->size] = (Name){
        .hash = hash, .offset = n->bytes.size, .length = (uint32_t)name.length,
        .batch = n->batch - 1,
    };
    append(&n->bytes, name.at, name.length);
    n->slots[slot] = ++n->size;
    return met_again(n, n->size - 1);
}

Span name_of(const Names *n, uint32_t number)
{
    const Name *name = &n->names[n->met[number]];
    return (Span){n->bytes.data + name->offset, name->length};
}

bool mark_last(Names *n, const uint8_t *marks, size_t n_marks)
{
    if (n->n_met != 0 || n_marks != n->n_met_last)
        return false;
    for (size_t i = 0; i < n_marks; i++)
        n->names[n->met[i]].is_marked = marks[i] != 0;
    return true;
}

void begin_batch(Names *n)
{
    n->batch++;
    n->n_met_last = n->n_met;
    n->n_met = 0;
    if (n->size <= MOST_NAMES && n->bytes.size <= MOST_BYTES)
        return;
    n->n_met_last = 0;
    n->size = 0;
    n->bytes.size = 0;
    memset(n->slots, 0, n->n_slots * sizeof *n->slots);
}

void free_names(Names *n)
{
    release(&n->bytes);
    free(n->names);
    free(n->slots);
    free(n->met);
    *n = (Names){0};
}
