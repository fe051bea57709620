#if defined(__linux__)
#define _GNU_SOURCE /* for mremap */
#include <sys/mman.h>
#endif

#include "buffer.h"

static bool grow_small(Buffer *b, size_t capacity)
{
    uint8_t *data = realloc(b->data, capacity);
    if (data == NULL)
        return false;
    b->data = data;
    b->capacity = capacity;
    return true;
}

#if defined(__linux__)

static const size_t LARGE = (size_t)1 << 20;

bool grow(Buffer *b, size_t capacity)
{
    if (capacity < LARGE)
        return grow_small(b, capacity);
    bool was_large = b->capacity >= LARGE;
    void *data = was_large ? mremap(b->data, b->capacity, capacity, MREMAP_MAYMOVE)
                           : mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return false;
    if (!was_large) {
        if (b->size != 0)
            memcpy(data, b->data, b->size);
        free(b->data);
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

void release(Buffer *b)
{
    if (b->capacity >= LARGE)
        munmap(b->data, b->capacity);
    else
        free(b->data);
    *b = (Buffer){0};
}

#else

bool grow(Buffer *b, size_t capacity) { return grow_small(b, capacity); }

void release(Buffer *b)
{
    free(b->data);
    *b = (Buffer){0};
}

#endif
