/* The module that Python imports: what the compiled decoder offers, and no decoding.
 *
 * Against the limited API, so that one file serves every CPython from 3.11 on. The build defines
 * Py_LIMITED_API (hatch_build.py) and compiles every .c file of this folder into one module.
 */

#include <Python.h>

#define VERSION 1

static int
add_constants(PyObject *module)
{
    return PyModule_AddIntConstant(module, "VERSION", VERSION);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)add_constants},
    {0, NULL},
};

static PyMethodDef functions[] = {
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "envoylogs.reading.decoders._compiled_decoder",
    .m_doc = "The decoder of JSON lines that is compiled where it can be.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__compiled_decoder(void)
{
    return PyModuleDef_Init(&definition);
}
