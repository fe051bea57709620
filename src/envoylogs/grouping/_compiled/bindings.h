/* What the types of this module share. */
#ifndef ENVOYLOGS_BINDINGS_H
#define ENVOYLOGS_BINDINGS_H

#include "arrow.h"
#include "counts.h"

typedef struct {
    PyTypeObject *column; /* of results */
} State;

/* Numbers: a column of a result, which may be taken once. */
typedef struct {
    PyObject_HEAD
    Made made;
} ColumnObject;

typedef struct {
    PyObject_HEAD
    Counts counts;
    size_t n_columns; /* of what is counted */
    bool is_filtered;
    bool works;
} CountsObject;

extern PyType_Spec column_spec, rows_spec, counts_spec;

/* Whether an object works without the lock of the interpreter: nobody else may use it then.
 *
 * Returns: 0, or -1 with an error if it is at work.
 */
int begin_work(bool *works);

/* Reads a seed; returns 0, or -1 with an error. */
int read_seed(PyObject *given, Seed *seed);

PyObject *new_object(PyTypeObject *type);
void free_object(PyObject *self);

/* Returns a column of a result; ``maker`` is an object of this module. */
ColumnObject *new_column(PyObject *maker, Kind kind, size_t height, bool has_nulls);

/* Groups of keys, or other numbers, one behind the other. */
typedef struct {
    uint32_t *groups;
    size_t n_groups, capacity;
} Groups;

/* Takes them from a column, for ``take_rows``. */
bool take_groups(void *what, const Column *columns, size_t n_columns, size_t height);

/* What was counted, and other counts. */
PyObject *counts_columns(PyObject *object, PyObject *none);
PyObject *counts_values(PyObject *object, PyObject *args);
PyObject *counts_put(PyObject *object, PyObject *args);
PyObject *counts_take(PyObject *object, PyObject *args);

#endif
