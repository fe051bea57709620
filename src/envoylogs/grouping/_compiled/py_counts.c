/* Rows counted by group and values. */
#include "bindings.h"

#include <stdlib.h>

static const char OPERATIONS[] = {
    [ROWS] = 'n', [TRUES] = 't', [NULLS] = '0', [SUM] = '+', [LEAST] = '<', [MOST] = '>',
};

static int read_measures(Counts *counts, const char *measures, Py_ssize_t length)
{
    size_t n_extremes = 0;
    if (length / 2 > MOST_MEASURES || length % 2 != 0) {
        PyErr_Format(PyExc_ValueError, "measures are up to %d pairs of bytes", MOST_MEASURES);
        return -1;
    }
    for (Py_ssize_t n = 0; n < length / 2; n++) {
        const char *found = memchr(OPERATIONS, measures[2 * n], sizeof OPERATIONS);
        if (found == NULL) {
            PyErr_Format(PyExc_ValueError, "no operation: %c", measures[2 * n]);
            return -1;
        }
        Operation operation = (Operation)(found - OPERATIONS);
        size_t column = (unsigned char)measures[2 * n + 1];
        counts->measures[n] = (Measure){.operation = operation, .column = column};
        n_extremes += operation == LEAST || operation == MOST;
    }
    if (n_extremes > MOST_EXTREMES) {
        PyErr_Format(PyExc_ValueError, "more than %d extremes", MOST_EXTREMES);
        return -1;
    }
    return 0;
}

static PyObject *counts_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    PyObject *given;
    Seed seed;
    int n_values, is_filtered;
    const char *measures;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "Oiy#p", &given, &n_values, &measures, &length, &is_filtered)
        || read_seed(given, &seed) < 0)
        return NULL;
    if (n_values < 0 || n_values > MOST_VALUES) {
        PyErr_Format(PyExc_ValueError, "more than %d values", MOST_VALUES);
        return NULL;
    }
    CountsObject *self = (CountsObject *)new_object(type);
    if (self == NULL)
        return NULL;
    Counts *counts = &self->counts;
    if (read_measures(counts, measures, length) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    begin_counts(counts, seed, (size_t)n_values, (size_t)length / 2);
    self->is_filtered = is_filtered;
    self->n_columns = 1 + (size_t)is_filtered + (size_t)n_values;
    return (PyObject *)self;
}

static void counts_dealloc(PyObject *self)
{
    free_counts(&((CountsObject *)self)->counts);
    free_object(self);
}

static Py_ssize_t counts_length(PyObject *self)
{
    return (Py_ssize_t)((CountsObject *)self)->counts.n_entries;
}

bool take_groups(void *what, const Column *columns, size_t n_columns, size_t height)
{
    Groups *groups = what;
    if (n_columns != 1 || columns->kind != UINT32)
        return false;
    uint32_t *all = with_room(
        groups->groups, &groups->capacity, groups->n_groups + height, sizeof *all);
    if (all == NULL)
        return false;
    groups->groups = all;
    for (size_t n = 0; n < height; n++)
        all[groups->n_groups++]
            = is_null(columns, n) ? NO_GROUP : (uint32_t)number_at(columns, n);
    return true;
}

typedef struct {
    CountsObject *self;
    const Groups *groups;
    bool is_unlike;
} Counting;

/* Tells whether columns are of the kinds that are counted. */
static bool fits(const CountsObject *self, const Column *columns, size_t n_columns)
{
    const Counts *counts = &self->counts;
    if (n_columns < self->n_columns || columns[0].kind != UINT32
        || (self->is_filtered && columns[1].kind != BITS))
        return false;
    for (size_t n = 0; n < n_columns; n++)
        if (columns[n].kind == TEXTS)
            return false;
    for (size_t m = 0; m < counts->n_measures; m++) {
        const Measure *measure = &counts->measures[m];
        if (measure->operation == ROWS)
            continue;
        size_t place = self->n_columns + measure->column;
        if (place >= n_columns || (measure->operation == TRUES && columns[place].kind != BITS))
            return false;
    }
    return true;
}

static bool count_some(void *what, const Column *columns, size_t n_columns, size_t height)
{
    Counting *counting = what;
    CountsObject *self = counting->self;
    if (!fits(self, columns, n_columns)) {
        counting->is_unlike = true;
        return false;
    }
    const Column *values = columns + 1 + self->is_filtered;
    Batch batch = {
        .groups = counting->groups->groups,
        .n_groups = counting->groups->n_groups,
        .keys = columns,
        .valid = self->is_filtered ? columns + 1 : NULL,
        .values = values,
        .measured = values + self->counts.n_values,
        .height = height,
    };
    return count_rows(&self->counts, &batch);
}

static PyObject *counts_add(PyObject *object, PyObject *args)
{
    CountsObject *self = (CountsObject *)object;
    PyObject *of_keys, *rows;
    if (!PyArg_ParseTuple(args, "OO", &of_keys, &rows) || begin_work(&self->works) < 0)
        return NULL;
    Groups groups = {0};
    Counting counting = {.self = self, .groups = &groups};
    int result = take_rows(of_keys, take_groups, &groups);
    if (result == 0)
        result = take_rows(rows, count_some, &counting);
    free(groups.groups);
    self->works = false;
    if (counting.is_unlike)
        PyErr_SetString(PyExc_TypeError, "the columns are none that are counted");
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef counts_methods[] = {
    {"add", counts_add, METH_VARARGS,
     "Counts the rows of a data frame.\n\n"
     "Args:\n"
     "    groups: A series of the group of each key (UInt32); null for keys that are left out.\n"
     "    rows: The key of each (UInt32), whether it is counted if that was said to be filtered,\n"
     "        then the values, then what is measured."},
    {"take", counts_take, METH_VARARGS,
     "Adds what was counted elsewhere.\n\n"
     "Args:\n"
     "    counts: Of as many values, with the same measures.\n"
     "    numbers: For the group and each value what its numbers are here, a series (UInt32), or\n"
     "        None if they stay."},
    {"values", counts_values, METH_VARARGS,
     "Returns one value of what was counted, by its place, a row a combination."},
    {"put", counts_put, METH_VARARGS,
     "Puts another value in the place of one, and adds up what is alike then.\n\n"
     "Args:\n"
     "    place: Of the value.\n"
     "    values: A series (Int64), a row a combination, as ``values`` returns them; what is null\n"
     "        there stays so."},
    {"columns", counts_columns, METH_NOARGS,
     "Returns what was counted: groups, values and measures, a row a combination."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot counts_slots[] = {
    {Py_tp_doc,
     "Counts rows by the group of their key and by values.\n\n"
     "Args:\n"
     "    seed: 16 bytes that nobody knows.\n"
     "    values: How many values.\n"
     "    measures: Pairs of bytes: an operation and which of the measured columns it is of.\n"
     "        n is the number of rows, t of those that are true, 0 of those that are null;\n"
     "        + is a sum, which stops at the largest and the smallest integer, < and > are\n"
     "        extremes.\n"
     "    is_filtered: Whether a column says which rows are counted."},
    {Py_tp_new, counts_new},
    {Py_tp_dealloc, counts_dealloc},
    {Py_tp_methods, counts_methods},
    {Py_sq_length, counts_length},
    {0, NULL},
};

PyType_Spec counts_spec = {
    "envoylogs.grouping._compiled_grouping.Counts", sizeof(CountsObject), 0, Py_TPFLAGS_DEFAULT, counts_slots,
};
