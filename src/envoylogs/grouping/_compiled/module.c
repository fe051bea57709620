/* What Python sees of rows that are numbered and counted. */
#include "arrow.h"
#include "counts.h"
#include "rows.h"

#include <stdlib.h>

typedef struct {
    PyTypeObject *column; /* of results */
} State;

/* Whether an object works without the lock of the interpreter: nobody else may use it then. */
static int begin_work(bool *works)
{
    if (*works) {
        PyErr_SetString(PyExc_RuntimeError, "it is at work in another thread");
        return -1;
    }
    *works = true;
    return 0;
}

static int read_seed(PyObject *given, Seed *seed)
{
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(given, &bytes, &length) < 0)
        return -1;
    if (length != sizeof *seed) {
        PyErr_Format(PyExc_ValueError, "a seed has %zu bytes", sizeof *seed);
        return -1;
    }
    memcpy(seed, bytes, sizeof *seed);
    return 0;
}

static PyObject *new_object(PyTypeObject *type)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    return alloc(type, 0);
}

static void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* Numbers: a column of a result, which may be taken once. */

typedef struct {
    PyObject_HEAD
    Made made;
} ColumnObject;

static void column_dealloc(PyObject *self)
{
    free_made(&((ColumnObject *)self)->made);
    free_object(self);
}

static PyObject *column_arrow_c_array(PyObject *self, PyObject *args)
{
    PyObject *requested = Py_None;
    if (!PyArg_ParseTuple(args, "|O", &requested))
        return NULL;
    Made *made = &((ColumnObject *)self)->made;
    if (made->values == NULL) {
        PyErr_SetString(PyExc_ValueError, "the column was taken before");
        return NULL;
    }
    return handed_over(made);
}

static PyMethodDef column_methods[] = {
    {"__arrow_c_array__", column_arrow_c_array, METH_VARARGS, "Hands over the column, once."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot column_slots[] = {
    {Py_tp_doc, "A column of numbers, which Polars takes as a series."},
    {Py_tp_dealloc, column_dealloc},
    {Py_tp_methods, column_methods},
    {0, NULL},
};

static PyType_Spec column_spec = {
    "envoylogs.grouping._compiled_grouping.Column", sizeof(ColumnObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, column_slots,
};

static ColumnObject *new_column(PyObject *maker, Kind kind, size_t height, bool has_nulls)
{
    State *state = PyType_GetModuleState(Py_TYPE(maker));
    if (state == NULL)
        return NULL;
    ColumnObject *column = (ColumnObject *)new_object(state->column);
    if (column == NULL)
        return NULL;
    /* One byte more, since nothing is no array. */
    column->made = (Made){
        .kind = kind,
        .values = malloc(height * (kind == INT64 ? 8 : 4) + 1),
        .valid = has_nulls ? calloc(height / 8 + 1, 1) : NULL,
        .height = height,
    };
    if (column->made.values == NULL || (has_nulls && column->made.valid == NULL)) {
        Py_DECREF(column);
        PyErr_NoMemory();
        return NULL;
    }
    return column;
}

/* Rows: numbers of rows. */

typedef struct {
    PyObject_HEAD
    Rows rows;
    bool works;
} RowsObject;

static PyObject *rows_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named))
{
    PyObject *given;
    Seed seed;
    if (!PyArg_ParseTuple(args, "O", &given) || read_seed(given, &seed) < 0)
        return NULL;
    RowsObject *self = (RowsObject *)new_object(type);
    if (self != NULL)
        self->rows.seed = seed;
    return (PyObject *)self;
}

static void rows_dealloc(PyObject *self)
{
    free_rows(&((RowsObject *)self)->rows);
    free_object(self);
}

static Py_ssize_t rows_length(PyObject *self)
{
    return (Py_ssize_t)((RowsObject *)self)->rows.n_rows;
}

typedef struct {
    Rows *rows;
    uint32_t *numbers;
    size_t height, capacity;
} Numbering;

static bool number_some(void *what, const Column *columns, size_t n_columns, size_t height)
{
    Numbering *numbering = what;
    uint32_t *numbers = with_room(
        numbering->numbers, &numbering->capacity, numbering->height + height, sizeof *numbers);
    if (numbers == NULL)
        return false;
    numbering->numbers = numbers;
    if (!number_rows(numbering->rows, columns, n_columns, height, numbers + numbering->height))
        return false;
    numbering->height += height;
    return true;
}

static PyObject *rows_numbers_of(PyObject *object, PyObject *frame)
{
    RowsObject *self = (RowsObject *)object;
    Numbering numbering = {.rows = &self->rows};
    if (begin_work(&self->works) < 0)
        return NULL;
    int result = take_rows(frame, number_some, &numbering);
    self->works = false;
    ColumnObject *column = result < 0 ? NULL : new_column(object, UINT32, 0, false);
    if (column == NULL) {
        free(numbering.numbers);
        return NULL;
    }
    if (numbering.numbers != NULL) {
        free(column->made.values);
        column->made.values = numbering.numbers;
        column->made.height = numbering.height;
    }
    return (PyObject *)column;
}

static PyMethodDef rows_methods[] = {
    {"numbers_of", rows_numbers_of, METH_O,
     "Returns the numbers of the rows of a data frame; new ones are numbered as they come."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot rows_slots[] = {
    {Py_tp_doc, "Numbers rows of the same columns: equal ones have one number, from 0.\n\n"
                "Args:\n    seed: 16 bytes that nobody knows."},
    {Py_tp_new, rows_new},
    {Py_tp_dealloc, rows_dealloc},
    {Py_tp_methods, rows_methods},
    {Py_sq_length, rows_length},
    {0, NULL},
};

static PyType_Spec rows_spec = {
    "envoylogs.grouping._compiled_grouping.Rows", sizeof(RowsObject), 0, Py_TPFLAGS_DEFAULT, rows_slots,
};

/* Counts: rows counted by group and values. */

typedef struct {
    PyObject_HEAD
    Counts counts;
    size_t n_columns; /* of what is counted */
    bool is_filtered;
    bool works;
} CountsObject;

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

/* Groups of keys, one behind the other. */
typedef struct {
    uint32_t *groups;
    size_t n_groups, capacity;
} Groups;

static bool take_groups(void *what, const Column *columns, size_t n_columns, size_t height)
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

static PyObject *counts_take(PyObject *object, PyObject *args)
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

static PyObject *counts_floor(PyObject *object, PyObject *args)
{
    CountsObject *self = (CountsObject *)object;
    int value;
    long long width;
    if (!PyArg_ParseTuple(args, "iL", &value, &width))
        return NULL;
    if (value < 0 || (size_t)value >= self->counts.n_values || width <= 0) {
        PyErr_SetString(PyExc_ValueError, "there is no such value, or no such width");
        return NULL;
    }
    if (begin_work(&self->works) < 0)
        return NULL;
    bool is_done;
    Py_BEGIN_ALLOW_THREADS
    is_done = floor_value(&self->counts, (size_t)value, width);
    Py_END_ALLOW_THREADS
    self->works = false;
    return is_done ? Py_NewRef(Py_None) : PyErr_NoMemory();
}

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

static PyObject *counts_columns(PyObject *object, PyObject *Py_UNUSED(none))
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

static PyObject *counts_values(PyObject *object, PyObject *args)
{
    CountsObject *self = (CountsObject *)object;
    int value;
    if (!PyArg_ParseTuple(args, "i", &value))
        return NULL;
    if (value < 0 || (size_t)value >= self->counts.n_values) {
        PyErr_SetString(PyExc_ValueError, "there is no such value");
        return NULL;
    }
    if (begin_work(&self->works) < 0)
        return NULL;
    PyObject *column = column_of(self, value_of, (size_t)value);
    self->works = false;
    return column;
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
    {"floor", counts_floor, METH_VARARGS,
     "Brings a value, by its place, down to the next multiple of a width, and adds up what is\n"
     "alike then."},
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

static PyType_Spec counts_spec = {
    "envoylogs.grouping._compiled_grouping.Counts", sizeof(CountsObject), 0, Py_TPFLAGS_DEFAULT, counts_slots,
};

static PyTypeObject *new_type(PyObject *module, PyType_Spec *spec)
{
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
}

static int add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = new_type(module, spec);
    if (type == NULL)
        return -1;
    int result = PyModule_AddType(module, type);
    Py_DECREF(type);
    return result;
}

static int module_exec(PyObject *module)
{
    State *state = PyModule_GetState(module);
    state->column = new_type(module, &column_spec);
    if (state->column == NULL || add_type(module, &rows_spec) < 0)
        return -1;
    return add_type(module, &counts_spec);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = PyModule_GetState(module);
    Py_VISIT(state->column);
    return 0;
}

static int module_clear(PyObject *module)
{
    State *state = PyModule_GetState(module);
    Py_CLEAR(state->column);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_compiled_grouping",
    .m_doc = "Rows that are numbered and counted, in C; see envoylogs.grouping.",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__compiled_grouping(void) { return PyModuleDef_Init(&module_definition); }
