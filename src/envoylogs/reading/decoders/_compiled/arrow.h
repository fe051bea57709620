/* The Arrow C data interface: https://arrow.apache.org/docs/format/CDataInterface.html
 *
 * The two structures are that page's, since they are the interface.
 */
#ifndef ENVOYLOGS_ARROW_H
#define ENVOYLOGS_ARROW_H

#include "output.h"

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

/* Describes a column. */
void export_schema(const Output *column, struct ArrowSchema *schema);

/* Hands a column over, which is empty from then on; false if there is no memory. */
bool export_array(Output *column, struct ArrowArray *array);

#endif
