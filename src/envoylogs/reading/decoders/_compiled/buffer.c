#if defined(__linux__)
#define _GNU_SOURCE /* for mremap */
#include <sys/mman.h>
#endif

#include "buffer.h"

#if defined(__linux__)

static const size_t LARGE = (size_t)1 << 20;

void *resized(void *data, size_t capacity, size_t wanted)
{
    if (wanted < LARGE)
        return realloc(data, wanted);
    bool was_large = data != NULL && capacity >= LARGE;
    void *found = was_large ? mremap(data, capacity, wanted, MREMAP_MAYMOVE)
                            : mmap(NULL, wanted, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED)
        return NULL;
    if (!was_large && data != NULL) {
        memcpy(found, data, capacity);
        free(data);
    }
    return found;
}

void give_back(void *data, size_t capacity)
{
    if (data != NULL && capacity >= LARGE)
        munmap(data, capacity);
    else
        free(data);
}

#else

void *resized(void *data, size_t capacity, size_t wanted)
{
    (void)capacity;
    return realloc(data, wanted);
}

void give_back(void *data, size_t capacity)
{
    (void)capacity;
    free(data);
}

#endif
