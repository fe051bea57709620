/* Bytes that grow. */
#ifndef ENVOYLOGS_BUFFER_H
#define ENVOYLOGS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *data;
    size_t size, capacity;
} Buffer;

/* Makes a buffer at least so large; false if there is no memory, and nothing has changed.
 *
 * What is large comes from the system: where columns grow side by side, an allocator keeps as much
 * again for itself.
 */
bool grow(Buffer *b, size_t capacity);

/* Lets go what is in a buffer, which is empty from then on. */
void release(Buffer *b);

/* Makes room for more bytes behind those that are there; false if there is no memory. There are
 * data then, even for no bytes: nothing may be added to a null pointer, not even zero. */
static inline bool reserve(Buffer *b, size_t more)
{
    if (b->data != NULL && b->capacity - b->size >= more)
        return true;
    if (more > SIZE_MAX / 2 - b->size)
        return false;
    size_t capacity = b->capacity < 256 ? 256 : b->capacity;
    while (capacity - b->size < more)
        capacity *= 2;
    return grow(b, capacity);
}

/* Appends bytes for which there is room. */
static inline void append(Buffer *b, const void *bytes, size_t length)
{
    if (length != 0) {
        memcpy(b->data + b->size, bytes, length);
        b->size += length;
    }
}

static inline bool push(Buffer *b, const void *bytes, size_t length)
{
    if (!reserve(b, length))
        return false;
    append(b, bytes, length);
    return true;
}

/* Hands out what is in a buffer, which is empty from then on. */
static inline Buffer handed_over(Buffer *b)
{
    Buffer given = *b;
    *b = (Buffer){0};
    return given;
}

#endif
