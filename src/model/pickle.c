#include "model/pickle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

// A generator's state_dict needs some 20 values a tensor and a stack of some 2000.
enum {
    MAX_VALUES = 1 << 20,
    MAX_STACK = 1 << 16,
    MAX_MARKS = 64,
};

typedef struct machine {
    cgv_pickle *pickle;
    const uint8_t *data;
    size_t size, at;
    uint32_t *stack, *memo; // of values; CGV_PICKLE_END in the memo: never put
    uint32_t stack_count, stack_capacity, memo_count, memo_capacity;
    uint32_t marks[MAX_MARKS]; // heights of the stack
    int mark_count;
    const char *where;
    cgv_status status; // the first error sticks, and what follows does nothing
    bool stopped;
} machine;

static const struct {
    const char *module, *name;
    cgv_pickle_global global;
    cgv_dtype dtype;
} globals[] = {
    {"collections", "OrderedDict", CGV_GLOBAL_ORDERED_DICT, 0},
    {"torch._utils", "_rebuild_tensor", CGV_GLOBAL_REBUILD_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor_v2", CGV_GLOBAL_REBUILD_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", CGV_GLOBAL_REBUILD_PARAMETER, 0},
    {"torch", "FloatStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_F32},
    {"torch", "HalfStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_F16},
    {"torch", "BFloat16Storage", CGV_GLOBAL_STORAGE, CGV_DTYPE_BF16},
    {"torch", "DoubleStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_F64},
    {"torch", "LongStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_I64},
    {"torch", "IntStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_I32},
    {"torch", "ShortStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_I16},
    {"torch", "CharStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_I8},
    {"torch", "ByteStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_U8},
    {"torch", "BoolStorage", CGV_GLOBAL_STORAGE, CGV_DTYPE_U8},
};

void cgv_pickle_printable(char out[64], const uint8_t *text, size_t length) {
    size_t n = length < 63 ? length : 63;
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= ' ' && text[i] < 0x7f ? (char)text[i] : '?';
    out[n] = 0;
}

static void damaged(machine *m, const char *why) {
    if (!m->status)
        m->status = cgv_fail(CGV_ERROR_FORMAT, "%s: damaged pickle: %s", m->where, why);
}

static void beyond_limits(machine *m, const char *what) {
    if (!m->status)
        m->status = cgv_fail(CGV_ERROR_UNSUPPORTED,
                             "%s: its pickle has more %s than any state_dict", m->where, what);
}

// Room for `count` + 1 items in an array that may grow to `limit`.
static bool reserve(machine *m, void **items, uint32_t count, uint32_t *capacity, size_t size,
                    uint32_t limit, const char *what) {
    if (m->status)
        return false;
    if (count < *capacity)
        return true;
    if (count >= limit) {
        beyond_limits(m, what);
        return false;
    }
    uint32_t wanted = *capacity ? *capacity : 64;
    while (wanted <= count)
        wanted *= 2;
    void *grown = realloc(*items, wanted * size);
    if (!grown) {
        m->status = cgv_fail(CGV_ERROR_MEMORY, "%s: out of memory", m->where);
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

// Input

static const uint8_t *take(machine *m, uint64_t count) {
    if (m->status)
        return NULL;
    if (count > m->size - m->at) {
        damaged(m, "it ends too early");
        return NULL;
    }
    const uint8_t *bytes = m->data + m->at;
    m->at += (size_t)count;
    return bytes;
}

static uint64_t take_number(machine *m, int bytes) {
    const uint8_t *p = take(m, (uint64_t)bytes);
    uint64_t number = 0;
    for (int i = 0; p && i < bytes; i++)
        number |= (uint64_t)p[i] << 8 * i;
    return number;
}

static cgv_pickle_value take_text(machine *m, int length_bytes) {
    uint64_t length = take_number(m, length_bytes);
    const uint8_t *text = take(m, length);
    return (cgv_pickle_value){
        .type = CGV_PICKLE_STRING, .count = text ? (uint32_t)length : 0, .text = text};
}

static cgv_pickle_value take_line(machine *m) {
    const uint8_t *start = m->data + m->at;
    const uint8_t *end = m->status ? NULL : memchr(start, '\n', m->size - m->at);
    if (!end || end - start > 1024) {
        damaged(m, "a name has no end");
        return (cgv_pickle_value){.type = CGV_PICKLE_STRING};
    }
    m->at += (size_t)(end - start) + 1;
    return (cgv_pickle_value){
        .type = CGV_PICKLE_STRING, .count = (uint32_t)(end - start), .text = start};
}

static cgv_pickle_value take_long(machine *m) {
    uint32_t length = (uint32_t)take_number(m, 1);
    const uint8_t *bytes = take(m, length);
    if (length > 8)
        return (cgv_pickle_value){.type = CGV_PICKLE_BIG, .count = length, .text = bytes};
    uint64_t number = 0;
    if (bytes && length) {
        number = bytes[length - 1] & 0x80 ? ~(uint64_t)0 : 0; // the sign's extension
        for (uint32_t i = length; i-- > 0;)
            number = number << 8 | bytes[i];
    }
    return (cgv_pickle_value){.type = CGV_PICKLE_INT, .integer = (int64_t)number};
}

static cgv_pickle_value take_float(machine *m) {
    uint64_t bits = __builtin_bswap64(take_number(m, 8)); // big-endian, alone in the format
    cgv_pickle_value value = {.type = CGV_PICKLE_FLOAT};
    memcpy(&value.number, &bits, sizeof bits);
    return value;
}

// Stack

static void push_ref(machine *m, uint32_t value) {
    void *stack = m->stack;
    if (reserve(m, &stack, m->stack_count, &m->stack_capacity, sizeof *m->stack, MAX_STACK,
                "stacked values"))
        ((uint32_t *)stack)[m->stack_count++] = value;
    m->stack = stack;
}

static void push(machine *m, cgv_pickle_value value) {
    cgv_pickle *p = m->pickle;
    void *values = p->values;
    bool ok =
        reserve(m, &values, p->value_count, &p->value_capacity, sizeof value, MAX_VALUES, "values");
    p->values = values;
    if (!ok)
        return;
    p->values[p->value_count] = value;
    push_ref(m, p->value_count++);
}

static void push_int(machine *m, int64_t number) {
    push(m, (cgv_pickle_value){.type = CGV_PICKLE_INT, .integer = number});
}

static void push_bool(machine *m, bool truth) {
    push(m, (cgv_pickle_value){.type = CGV_PICKLE_BOOL, .integer = truth});
}

static void push_chain(machine *m, cgv_pickle_type type) {
    push(m, (cgv_pickle_value){
                .type = (uint8_t)type, .first = CGV_PICKLE_END, .last = CGV_PICKLE_END});
}

// Values above the last mark; nothing below it may be popped.
static uint32_t available(const machine *m) {
    return m->stack_count - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

// Value 0 exists whenever something was pushed, so a failed pop still returns an index that holds.
static uint32_t pop(machine *m) {
    if (!m->status && !available(m))
        damaged(m, "its stack is empty");
    return m->status ? 0 : m->stack[--m->stack_count];
}

static cgv_pickle_value *top(machine *m, cgv_pickle_type type) {
    if (!m->status && available(m)) {
        cgv_pickle_value *value = &m->pickle->values[m->stack[m->stack_count - 1]];
        if (value->type == type)
            return value;
    }
    damaged(m, "an instruction meets a value of the wrong type");
    return NULL;
}

static void mark(machine *m) {
    if (m->mark_count == MAX_MARKS)
        beyond_limits(m, "nested marks");
    else
        m->marks[m->mark_count++] = m->stack_count;
}

// Index in the stack of the first value above the last mark, which is removed; the values stay.
static uint32_t unmark(machine *m) {
    if (!m->mark_count)
        damaged(m, "a mark is missing");
    return m->status ? m->stack_count : m->marks[--m->mark_count];
}

// Chains

static void append(machine *m, uint32_t chain, uint32_t value) {
    cgv_pickle *p = m->pickle;
    void *links = p->links;
    bool ok =
        reserve(m, &links, p->link_count, &p->link_capacity, sizeof *p->links, MAX_VALUES, "items");
    p->links = links;
    if (!ok)
        return;
    uint32_t link = p->link_count++;
    p->links[link] = (cgv_pickle_link){value, CGV_PICKLE_END};
    cgv_pickle_value *owner = &p->values[chain];
    if (owner->count++)
        p->links[owner->last].next = link;
    else
        owner->first = link;
    owner->last = link;
}

static void make_tuple(machine *m, uint32_t from) {
    uint32_t count = m->stack_count - from;
    push_chain(m, CGV_PICKLE_TUPLE);
    if (m->status)
        return;
    uint32_t tuple = m->stack[m->stack_count - 1];
    for (uint32_t i = 0; i < count; i++)
        append(m, tuple, m->stack[from + i]);
    m->stack_count = from;
    push_ref(m, tuple);
}

static void make_tuple_of(machine *m, uint32_t count) {
    if (available(m) < count)
        damaged(m, "its stack is empty");
    if (!m->status)
        make_tuple(m, m->stack_count - count);
}

// Move the stack's values from `from` on into the list or dictionary below them.
static void append_from(machine *m, uint32_t from, cgv_pickle_type type) {
    if (m->status)
        return;
    uint32_t end = m->stack_count;
    m->stack_count = from;
    if (type == CGV_PICKLE_DICT && (end - from) % 2)
        damaged(m, "a key has no value");
    if (!top(m, type))
        return;
    uint32_t owner = m->stack[from - 1];
    for (uint32_t i = from; i < end; i++)
        append(m, owner, m->stack[i]);
}

static void append_last(machine *m, uint32_t count, cgv_pickle_type type) {
    if (available(m) <= count)
        damaged(m, "its stack is empty");
    append_from(m, m->stack_count - count, type);
}

// Memo

static void memo_put(machine *m, uint64_t index) {
    if (!available(m) || index > m->size) {
        damaged(m, "its memo is out of order");
        return;
    }
    uint32_t old = m->memo_capacity;
    void *memo = m->memo;
    if (index >= old) {
        bool ok = reserve(m, &memo, (uint32_t)index, &m->memo_capacity, sizeof *m->memo, MAX_VALUES,
                          "memo entries");
        m->memo = memo;
        if (!ok)
            return;
        memset(m->memo + old, 0xff, (m->memo_capacity - old) * sizeof *m->memo);
    }
    m->memo[index] = m->stack[m->stack_count - 1];
    m->memo_count++;
}

static void memo_get(machine *m, uint64_t index) {
    if (index >= m->memo_capacity || m->memo[index] == CGV_PICKLE_END)
        damaged(m, "its memo has no such entry");
    else
        push_ref(m, m->memo[index]);
}

// Globals and calls

static void push_global(machine *m, const cgv_pickle_value *module, const cgv_pickle_value *name) {
    if (m->status)
        return;
    // Files of the first releases name the GPU's storages; the numbers are stored alike.
    bool cuda = cgv_pickle_is_string(module, "torch.cuda");
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (cgv_pickle_is_string(name, globals[i].name) &&
            (cgv_pickle_is_string(module, globals[i].module) ||
             (cuda && globals[i].global == CGV_GLOBAL_STORAGE))) {
            push(m, (cgv_pickle_value){.type = CGV_PICKLE_GLOBAL,
                                       .global = (uint8_t)globals[i].global,
                                       .dtype = (uint8_t)globals[i].dtype});
            return;
        }
    char module_text[64], name_text[64];
    cgv_pickle_printable(module_text, module->text, module->count);
    cgv_pickle_printable(name_text, name->text, name->count);
    m->status = cgv_fail(CGV_ERROR_UNSUPPORTED,
                         "%s: refused: it refers to %s.%s, which no plain state_dict of tensors "
                         "needs; nothing was executed",
                         m->where, module_text, name_text);
}

static void stack_global(machine *m) {
    const cgv_pickle_value *name = top(m, CGV_PICKLE_STRING);
    pop(m);
    const cgv_pickle_value *module = top(m, CGV_PICKLE_STRING);
    pop(m);
    if (!m->status)
        push_global(m, module, name);
}

// OrderedDict(), or Python 2's OrderedDict([[key, value], ...]).
static void make_ordered_dict(machine *m, uint32_t args) {
    push_chain(m, CGV_PICKLE_DICT);
    const cgv_pickle *p = m->pickle;
    if (m->status || !p->values[args].count)
        return;
    uint32_t dict = m->stack[m->stack_count - 1];
    const cgv_pickle_value *pairs = cgv_pickle_item(p, &p->values[args], 0);
    if (!pairs || pairs->type != CGV_PICKLE_LIST) {
        damaged(m, "an OrderedDict is made of something that is no list");
        return;
    }
    // Appending may move the links, but never the indices: walk by index.
    for (uint32_t i = pairs->first; i != CGV_PICKLE_END && !m->status; i = p->links[i].next) {
        const cgv_pickle_value *pair = &p->values[p->links[i].value];
        bool is_pair = pair->type == CGV_PICKLE_LIST || pair->type == CGV_PICKLE_TUPLE;
        if (!is_pair || pair->count != 2) {
            damaged(m, "an OrderedDict is made of something that is no pair");
            return;
        }
        uint32_t key = pair->first, value = p->links[key].next;
        append(m, dict, p->links[key].value);
        append(m, dict, p->links[value].value);
    }
}

static void reduce(machine *m) {
    top(m, CGV_PICKLE_TUPLE);
    uint32_t args = pop(m);
    const cgv_pickle_value *callee = top(m, CGV_PICKLE_GLOBAL);
    pop(m);
    if (m->status)
        return;
    if (callee->global == CGV_GLOBAL_ORDERED_DICT)
        make_ordered_dict(m, args);
    else
        push(m,
             (cgv_pickle_value){.type = CGV_PICKLE_CALL, .global = callee->global, .args = args});
}

static void make_persistent(machine *m) {
    uint32_t id = pop(m);
    if (!m->status)
        push(m, (cgv_pickle_value){.type = CGV_PICKLE_PERSISTENT, .args = id});
}

// Attributes of a state_dict (its _metadata) say nothing about weights.
static void build(machine *m) {
    pop(m);
    top(m, CGV_PICKLE_DICT);
}

static void stop(machine *m) {
    m->pickle->top = pop(m);
    if (m->stack_count || m->mark_count)
        damaged(m, "values are left at its end");
    m->stopped = true;
}

static void check_protocol(machine *m) {
    uint64_t protocol = take_number(m, 1);
    if (!m->status && (protocol < 2 || protocol > 5))
        damaged(m, "an unknown protocol");
}

static void refuse_opcode(machine *m, uint8_t opcode) {
    if (!m->status)
        m->status = cgv_fail(CGV_ERROR_FORMAT,
                             "%s: damaged pickle: instruction 0x%02x at byte %zu has no place in a "
                             "state_dict",
                             m->where, opcode, m->at - 1);
}

static void step(machine *m) {
    const uint8_t *opcode = take(m, 1);
    if (!opcode)
        return;
    // clang-format off
    switch (*opcode) {
    case 0x80: check_protocol(m); break;                               // PROTO
    case 0x95: take_number(m, 8); break;                               // FRAME: only a hint
    case '.': stop(m); break;                                          // STOP
    case '(': mark(m); break;                                          // MARK
    case '0': pop(m); break;                                           // POP
    case 'N': push(m, (cgv_pickle_value){.type = CGV_PICKLE_NONE}); break; // NONE
    case 0x88: push_bool(m, true); break;                              // NEWTRUE
    case 0x89: push_bool(m, false); break;                             // NEWFALSE
    case 'J': push_int(m, (int32_t)(uint32_t)take_number(m, 4)); break; // BININT
    case 'K': push_int(m, (int64_t)take_number(m, 1)); break;          // BININT1
    case 'M': push_int(m, (int64_t)take_number(m, 2)); break;          // BININT2
    case 0x8a: push(m, take_long(m)); break;                           // LONG1
    case 'G': push(m, take_float(m)); break;                           // BINFLOAT
    case 'X': push(m, take_text(m, 4)); break;                         // BINUNICODE
    case 0x8c: push(m, take_text(m, 1)); break;                        // SHORT_BINUNICODE
    case 'T': push(m, take_text(m, 4)); break;                         // BINSTRING
    case 'U': push(m, take_text(m, 1)); break;                         // SHORT_BINSTRING
    case ')': push_chain(m, CGV_PICKLE_TUPLE); break;                  // EMPTY_TUPLE
    case ']': push_chain(m, CGV_PICKLE_LIST); break;                   // EMPTY_LIST
    case '}': push_chain(m, CGV_PICKLE_DICT); break;                   // EMPTY_DICT
    case 't': make_tuple(m, unmark(m)); break;                         // TUPLE
    case 0x85: make_tuple_of(m, 1); break;                             // TUPLE1
    case 0x86: make_tuple_of(m, 2); break;                             // TUPLE2
    case 0x87: make_tuple_of(m, 3); break;                             // TUPLE3
    case 'a': append_last(m, 1, CGV_PICKLE_LIST); break;               // APPEND
    case 'e': append_from(m, unmark(m), CGV_PICKLE_LIST); break;       // APPENDS
    case 's': append_last(m, 2, CGV_PICKLE_DICT); break;               // SETITEM
    case 'u': append_from(m, unmark(m), CGV_PICKLE_DICT); break;       // SETITEMS
    case 'q': memo_put(m, take_number(m, 1)); break;                   // BINPUT
    case 'r': memo_put(m, take_number(m, 4)); break;                   // LONG_BINPUT
    case 0x94: memo_put(m, m->memo_count); break;                      // MEMOIZE
    case 'h': memo_get(m, take_number(m, 1)); break;                   // BINGET
    case 'j': memo_get(m, take_number(m, 4)); break;                   // LONG_BINGET
    case 0x93: stack_global(m); break;                                 // STACK_GLOBAL
    case 'R': reduce(m); break;                                        // REDUCE
    case 'b': build(m); break;                                         // BUILD
    case 'Q': make_persistent(m); break;                               // BINPERSID
    case 'c': {                                                        // GLOBAL
        cgv_pickle_value module = take_line(m), name = take_line(m);
        push_global(m, &module, &name);
        break;
    }
    default: refuse_opcode(m, *opcode);
    }
    // clang-format on
}

cgv_status cgv_pickle_parse(cgv_pickle *out, const uint8_t *data, size_t size, size_t *used,
                            const char *where) {
    *out = (cgv_pickle){0};
    *used = 0;
    machine m = {.pickle = out, .data = data, .size = size, .where = where};
    while (!m.status && !m.stopped)
        step(&m);
    free(m.stack);
    free(m.memo);
    if (m.status)
        cgv_pickle_free(out);
    *used = m.at;
    return m.status;
}

void cgv_pickle_free(cgv_pickle *pickle) {
    free(pickle->values);
    free(pickle->links);
    *pickle = (cgv_pickle){0};
}

const cgv_pickle_value *cgv_pickle_item(const cgv_pickle *pickle, const cgv_pickle_value *chain,
                                        uint32_t n) {
    if (n >= chain->count)
        return NULL;
    uint32_t link = chain->first;
    while (n--)
        link = pickle->links[link].next;
    return &pickle->values[pickle->links[link].value];
}

int cgv_pickle_is_string(const cgv_pickle_value *value, const char *text) {
    return value && value->type == CGV_PICKLE_STRING && value->count == strlen(text) &&
           !memcmp(value->text, text, value->count);
}
