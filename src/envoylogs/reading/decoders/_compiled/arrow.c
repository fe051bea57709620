#include "arrow.h"

static const char *format_of(OutputType type)
{
    switch (type) {
    case TEXTS: return "vu";
    case BYTES: return "vz";
    case INTEGERS: return "l";
    case TIMES: return "tsu:UTC";
    case NUMBERS: return "I";
    case BITS: return "C";
    default: return "b";
    }
}

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }

void export_schema(const Output *column, struct ArrowSchema *schema)
{
    enum { NULLABLE = 2 };
    *schema = (struct ArrowSchema){
        .format = format_of(column->type), .name = "", .flags = NULLABLE, .release = release_schema,
    };
}

/* What an exported array keeps alive. */
typedef struct {
    const void *buffers[4];
    int64_t text_size;
    Buffer owned[3];
} Exported;

static void release_array(struct ArrowArray *array)
{
    Exported *exported = array->private_data;
    for (size_t i = 0; i < 3; i++)
        release(&exported->owned[i]);
    free(exported);
    array->release = NULL;
}

bool export_array(Output *column, struct ArrowArray *array)
{
    Exported *exported = calloc(1, sizeof *exported);
    size_t height = height_of(column);
    /* A consumer may ask for the address of a buffer even if nothing is in it. */
    if (exported == NULL || !reserve(&column->values, 16) || !reserve(&column->text, 16)
        || (column->type == FLAGS && !pack(&column->values))
        || (column->nulls != 0 && !pack(&column->valid))) {
        free(exported);
        return false;
    }
    bool is_view = column->type == TEXTS || column->type == BYTES;
    *array = (struct ArrowArray){
        .length = (int64_t)height, .null_count = (int64_t)column->nulls,
        .n_buffers = is_view ? 4 : 2, .buffers = exported->buffers, .release = release_array,
        .private_data = exported,
    };
    exported->text_size = (int64_t)column->text.size;
    exported->owned[0] = handed_over(&column->valid);
    exported->owned[1] = handed_over(&column->values);
    exported->owned[2] = handed_over(&column->text);
    exported->buffers[0] = column->nulls != 0 ? exported->owned[0].data : NULL;
    exported->buffers[1] = exported->owned[1].data;
    exported->buffers[2] = exported->owned[2].data;
    exported->buffers[3] = &exported->text_size;
    column->nulls = 0;
    return true;
}
