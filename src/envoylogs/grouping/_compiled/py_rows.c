/* Numbers of rows. */
#include "bindings.h"
#include "rows.h"

#include <stdlib.h>

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

PyType_Spec rows_spec = {
    "envoylogs.grouping._compiled_grouping.Rows", sizeof(RowsObject), 0, Py_TPFLAGS_DEFAULT, rows_slots,
};
