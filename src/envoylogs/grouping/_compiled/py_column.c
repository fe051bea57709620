/* A column of a result, which is handed over once by the Arrow PyCapsule interface. */
#include "bindings.h"

#include <stdlib.h>

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

PyType_Spec column_spec = {
    "envoylogs.grouping._compiled_grouping.Column", sizeof(ColumnObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, column_slots,
};

ColumnObject *new_column(PyObject *maker, Kind kind, size_t height, bool has_nulls)
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
