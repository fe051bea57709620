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

/* Memory that was so large or is to be; null if there is none, and all stays as it is.
 *
 * What is large comes from the system and goes back there at once: where columns grow side by side,
 * an allocator keeps as much again for itself.
 */
void *resized(void *data, size_t capacity, size_t wanted);
void give_back(void *data, size_t capacity);

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
    uint8_t *data = resized(b->data, b->capacity, capacity);
    if (data == NULL)
        return false;
    b->data = data;
    b->capacity = capacity;
    return true;
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

static inline void release(Buffer *b)
{
    give_back(b->data, b->capacity);
    *b = (Buffer){0};
}

/* Hands out what is in a buffer, which is empty from then on. */
static inline Buffer handed_over(Buffer *b)
{
    Buffer given = *b;
    *b = (Buffer){0};
    return given;
}

#endif
