/* Columns of Python, as the Arrow PyCapsule interface hands them over. */
#ifndef ENVOYLOGS_ARROW_H
#define ENVOYLOGS_ARROW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "column.h"

enum { MOST_COLUMNS = 64 };

/* Called with some rows of all columns, without the lock of the interpreter.
 *
 * Returns: whether there was memory for what it does.
 */
typedef bool (*Take)(void *what, const Column *columns, size_t n_columns, size_t height);

/* Takes all rows of a data frame or a series, chunk by chunk.
 *
 * Returns: 0, or -1 with an exception.
 */
int take_rows(PyObject *frame, Take take, void *what);

/* A column of numbers that is handed to Python: an array of a kind, of which it becomes the owner,
 * and bits that say which of them are not null, or NULL. */
typedef struct {
    Kind kind; /* INT64 or UINT32 */
    void *values;
    uint8_t *valid;
    size_t height, nulls;
} Made;

void free_made(Made *made);

/* Returns capsules of the type and of the array, as ``__arrow_c_array__`` does; the column is empty
 * then. */
PyObject *handed_over(Made *made);

#endif
