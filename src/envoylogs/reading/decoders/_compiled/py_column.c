/* A column of a batch, which is handed over once by the Arrow PyCapsule interface. */
#include "bindings.h"

#include "arrow.h"

typedef struct {
    PyObject_HEAD
    Output output;
} PyColumn;

static PyTypeObject *column_type;

PyObject *new_column(Output *output)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(column_type, Py_tp_alloc);
    PyColumn *self = (PyColumn *)allocate(column_type, 0);
    if (self == NULL)
        return NULL;
    self->output = *output;
    output->values = output->text = output->valid = (Buffer){0};
    output->nulls = 0;
    return (PyObject *)self;
}

static void free_column(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    free_output(&((PyColumn *)object)->output);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static void free_schema_capsule(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema->release != NULL)
        schema->release(schema);
    free(schema);
}

static void free_array_capsule(PyObject *capsule)
{
    struct ArrowArray *array = PyCapsule_GetPointer(capsule, "arrow_array");
    if (array->release != NULL)
        array->release(array);
    free(array);
}

static PyObject *column_to_arrow(PyObject *object, PyObject *arguments)
{
    (void)arguments; /* a schema that is asked for may be passed over */
    Output *output = &((PyColumn *)object)->output;
    struct ArrowSchema *schema = calloc(1, sizeof *schema);
    struct ArrowArray *array = calloc(1, sizeof *array);
    PyObject *of_schema = NULL, *of_array = NULL;
    if (schema == NULL || array == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    export_schema(output, schema);
    of_schema = PyCapsule_New(schema, "arrow_schema", free_schema_capsule);
    if (of_schema == NULL)
        goto failed;
    schema = NULL;
    if (!export_array(output, array)) {
        PyErr_NoMemory();
        goto failed;
    }
    of_array = PyCapsule_New(array, "arrow_array", free_array_capsule);
    if (of_array == NULL) {
        array->release(array);
        goto failed;
    }
    array = NULL;
    PyObject *both = PyTuple_Pack(2, of_schema, of_array);
    Py_DECREF(of_schema);
    Py_DECREF(of_array);
    return both;
failed:
    free(schema);
    free(array);
    Py_XDECREF(of_schema);
    return NULL;
}

static PyMethodDef column_methods[] = {
    {"__arrow_c_array__", column_to_arrow, METH_VARARGS,
     "Hand the column over, once, as the Arrow PyCapsule interface has it."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot column_slots[] = {
    {Py_tp_doc, "A column that was read."},
    {Py_tp_dealloc, free_column},
    {Py_tp_methods, column_methods},
    {0, NULL},
};

static PyType_Spec column_spec = {
    .name = "envoylogs.reading.decoders._compiled_decoder.Column",
    .basicsize = sizeof(PyColumn),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = column_slots,
};

PyObject *new_column_type(void)
{
    column_type = (PyTypeObject *)PyType_FromSpec(&column_spec);
    return (PyObject *)column_type;
}
