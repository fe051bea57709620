/* What was counted, and what was counted elsewhere. */
#include "bindings.h"

#include <stdlib.h>

typedef bool (*Read)(const Counts *counts, size_t entry, size_t which, int64_t *found);

static PyObject *column_of(CountsObject *self, Read read, size_t which)
{
    const Counts *counts = &self->counts;
    ColumnObject *column = new_column((PyObject *)self, INT64, counts->n_entries, true);
    if (column == NULL)
        return NULL;
    int64_t *values = column->made.values;
    for (size_t n = 0; n < counts->n_entries; n++) {
        bool is_there = read(counts, n, which, &values[n]);
        column->made.valid[n / 8] |= (uint8_t)(is_there << n % 8);
        column->made.nulls += !is_there;
    }
    return (PyObject *)column;
}

static PyObject *groups_of(CountsObject *self)
{
    const Counts *counts = &self->counts;
    ColumnObject *column = new_column((PyObject *)self, UINT32, counts->n_entries, false);
    if (column == NULL)
        return NULL;
    for (size_t n = 0; n < counts->n_entries; n++)
        ((uint32_t *)column->made.values)[n] = group_of(counts, n);
    return (PyObject *)column;
}

PyObject *counts_columns(PyObject *object, PyObject *Py_UNUSED(none))
{
    CountsObject *self = (CountsObject *)object;
    const Counts *counts = &self->counts;
    if (begin_work(&self->works) < 0)
        return NULL;
    PyObject *columns = PyList_New(0), *column = NULL;
    size_t n_columns = 1 + counts->n_values + counts->n_measures;
    for (size_t n = 0; n < n_columns && columns != NULL; n++) {
        if (n == 0)
            column = groups_of(self);
        else if (n <= counts->n_values)
            column = column_of(self, value_of, n - 1);
        else
            column = column_of(self, measure_of, n - 1 - counts->n_values);
        if (column == NULL || PyList_Append(columns, column) < 0)
            Py_CLEAR(columns);
        Py_CLEAR(column);
    }
    self->works = false;
    return columns;
}

/* As ``begin_work``, if there is such a value. */
static int begin_work_on(CountsObject *self, int value)
{
    if (value >= 0 && (size_t)value < self->counts.n_values)
        return begin_work(&self->works);
    PyErr_SetString(PyExc_ValueError, "there is no such value");
    return -1;
}

PyObject *counts_values(PyObject *object, PyObject *args)
{
    CountsObject *self = (CountsObject *)object;
    int value;
    if (!PyArg_ParseTuple(args, "i", &value))
        return NULL;
    if (begin_work_on(self, value) < 0)
        return NULL;
    PyObject *column = column_of(self, value_of, (size_t)value);
    self->works = false;
    return column;
}

typedef struct {
    int64_t *values;
    size_t n, capacity;
    bool is_unlike; /* of another kind */
} Values;

/* Takes values from a column, for ``take_rows``. */
static bool take_values(void *what, const Column *columns, size_t n_columns, size_t height)
{
    Values *values = what;
    values->is_unlike = n_columns != 1 || columns->kind != INT64;
    if (values->is_unlike)
        return false;
    int64_t *all = with_room(
        values->values, &values->capacity, values->n + height, sizeof *all);
    if (all == NULL)
        return false;
    values->values = all;
    for (size_t n = 0; n < height; n++)
        all[values->n++] = is_null(columns, n) ? 0 : number_at(columns, n);
    return true;
}

PyObject *counts_put(PyObject *object, PyObject *args)
{
    CountsObject *self = (CountsObject *)object;
    PyObject *given;
    int value;
    if (!PyArg_ParseTuple(args, "iO", &value, &given))
        return NULL;
    if (begin_work_on(self, value) < 0)
        return NULL;
    Values values = {0};
    bool is_done = take_rows(given, take_values, &values) == 0;
    if (values.is_unlike)
        PyErr_SetString(PyExc_TypeError, "values are 64-bit integers");
    if (is_done && values.n != self->counts.n_entries) {
        PyErr_SetString(PyExc_ValueError, "there is a value for each combination");
        is_done = false;
    }
    if (is_done) {
        Py_BEGIN_ALLOW_THREADS
        is_done = put_value(&self->counts, (size_t)value, values.values);
        Py_END_ALLOW_THREADS
        if (!is_done)
            PyErr_NoMemory();
    }
    free(values.values);
    self->works = false;
    return is_done ? Py_NewRef(Py_None) : NULL;
}

/* Reads the changes of the group and of values: series of numbers, or None. */
static int read_changes(PyObject *given, const Counts *more, Groups *found, Change *changes)
{
    Py_ssize_t n = PyList_Size(given);
    if (n < 0)
        return -1;
    if ((size_t)n != 1 + more->n_values) {
        PyErr_SetString(PyExc_ValueError, "there is a change for the group and each value");
        return -1;
    }
    for (size_t place = 0; place < (size_t)n; place++) {
        PyObject *numbers = PyList_GetItem(given, (Py_ssize_t)place);
        if (numbers == Py_None)
            continue;
        if (take_rows(numbers, take_groups, &found[place]) < 0)
            return -1;
        if (!holds_less_than(more, place, found[place].n_groups)) {
            PyErr_SetString(PyExc_ValueError, "a number has no other one");
            return -1;
        }
        changes[place].numbers = found[place].groups;
    }
    return 0;
}

static bool are_alike(const Counts *one, const Counts *other)
{
    bool is_alike = one->n_values == other->n_values && one->n_measures == other->n_measures;
    for (size_t m = 0; is_alike && m < one->n_measures; m++)
        is_alike = one->measures[m].operation == other->measures[m].operation;
    return is_alike;
}

PyObject *counts_take(PyObject *object, PyObject *args)
{
    CountsObject *self = (CountsObject *)object, *other;
    PyObject *given;
    if (!PyArg_ParseTuple(args, "O!O!", Py_TYPE(object), &other, &PyList_Type, &given))
        return NULL;
    if (self == other || !are_alike(&self->counts, &other->counts)) {
        PyErr_SetString(PyExc_ValueError, "these are no counts of the same elsewhere");
        return NULL;
    }
    if (begin_work(&self->works) < 0)
        return NULL;
    if (begin_work(&other->works) < 0) {
        self->works = false;
        return NULL;
    }
    Groups found[1 + MOST_VALUES] = {{0}};
    Change changes[1 + MOST_VALUES] = {{0}};
    bool is_done = read_changes(given, &other->counts, found, changes) == 0;
    if (is_done) {
        Py_BEGIN_ALLOW_THREADS
        is_done = add_counts(&self->counts, &other->counts, changes);
        Py_END_ALLOW_THREADS
        if (!is_done)
            PyErr_NoMemory();
    }
    for (size_t place = 0; place < 1 + MOST_VALUES; place++)
        free(found[place].groups);
    self->works = other->works = false;
    return is_done ? Py_NewRef(Py_None) : NULL;
}
