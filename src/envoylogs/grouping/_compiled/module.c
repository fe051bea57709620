/* What Python sees of rows that are numbered and counted. */
#include "bindings.h"

int begin_work(bool *works)
{
    if (*works) {
        PyErr_SetString(PyExc_RuntimeError, "it is at work in another thread");
        return -1;
    }
    *works = true;
    return 0;
}

int read_seed(PyObject *given, Seed *seed)
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

PyObject *new_object(PyTypeObject *type)
{
    allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    return alloc(type, 0);
}

void free_object(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

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
