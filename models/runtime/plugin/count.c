/*
 * Counts the instructions that an emulated program executes between two marks.
 *
 * A mark is the system call getpriority(0, START) or getpriority(0, STOP): it asks about a process
 * that cannot exist, changes nothing, and any program can make it. At each STOP one line of
 * counters goes to the file given as out=FILE: all instructions, then those of the classes that
 * tell whether a kernel uses the processor's integer arithmetic: dot products (sdot, udot and the
 * matrix forms), other integer products of vectors (smull, smlal), and float multiply-add (fmla).
 *
 * The declarations below are those of QEMU's plugin interface, version 1, that this file uses:
 * https://www.qemu.org/docs/master/devel/tcg-plugins.html. Debian packages no header of it.
 *
 * Counters are added to once per translated block and without locks: one thread at a time may
 * work between two marks.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
/* "EDGE" and "EDGF": larger than any process id that Linux gives. */
#define START 0x45444745
#define STOP 0x45444746

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct info {
    const char *target_name;
    struct {
        int min;
        int cur;
    } version;
    bool system_emulation;
};
enum operation { ADD_U64 };

typedef void (*translated)(plugin_id, struct qemu_plugin_tb *);
typedef void (*called)(plugin_id, unsigned int, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                       uint64_t, uint64_t, uint64_t, uint64_t);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, called);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum operation, void *,
                                              uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

EXPORT int qemu_plugin_version = 1;

enum class { ALL, DOT, INTEGER_MULTIPLY, FLOAT_MULTIPLY, CLASSES };

/* An encoding belongs to a class where (word & mask) == value. */
struct pattern {
    enum class class;
    uint32_t mask, value;
};

/* Arm Architecture Reference Manual, "Advanced SIMD data-processing"; a sign is left open. */
static const struct pattern AARCH64[] = {
    {DOT, 0x9f20fc00, 0x0e009400},              /* sdot, udot: vectors */
    {DOT, 0x9f00f400, 0x0f00e000},              /* sdot, udot: by element */
    {DOT, 0xdfe0f400, 0x4e80a400},              /* smmla, ummla, usmmla */
    {DOT, 0xbfe0fc00, 0x0e809c00},              /* usdot: vectors */
    {INTEGER_MULTIPLY, 0x9f20dc00, 0x0e208000}, /* smlal, smlsl: vectors */
    {INTEGER_MULTIPLY, 0x9f00b400, 0x0f002000}, /* smlal, smlsl: by element */
    {INTEGER_MULTIPLY, 0x9f20fc00, 0x0e20c000}, /* smull: vectors */
    {INTEGER_MULTIPLY, 0x9f00f400, 0x0f00a000}, /* smull: by element */
    {INTEGER_MULTIPLY, 0x9f20fc00, 0x0e209400}, /* mla, mls: vectors */
    {INTEGER_MULTIPLY, 0xbf00b400, 0x2f000000}, /* mla, mls: by element */
    {FLOAT_MULTIPLY, 0xbfa0fc00, 0x0e20cc00},   /* fmla: vectors */
    {FLOAT_MULTIPLY, 0xbf80f400, 0x0f801000},   /* fmla: by element */
    {FLOAT_MULTIPLY, 0xbfe0fc00, 0x0e400c00},   /* fmla: vectors, half precision */
    {FLOAT_MULTIPLY, 0xbfc0f400, 0x0f001000},   /* fmla: by element, half precision */
    {FLOAT_MULTIPLY, 0xff208000, 0x1f000000},   /* fmadd: scalars */
};

/* The same of 32 bits; bit 21 is clear for sizes of 8 and 16, else it may be another instruction. */
static const struct pattern ARM[] = {
    {INTEGER_MULTIPLY, 0xfea00d50, 0xf2800800}, /* vmlal, vmlsl */
    {INTEGER_MULTIPLY, 0xfea00b50, 0xf2800240}, /* vmlal, vmlsl: by scalar */
    {INTEGER_MULTIPLY, 0xfea00f50, 0xf2800c00}, /* vmull */
    {INTEGER_MULTIPLY, 0xfea00f50, 0xf2800a40}, /* vmull: by scalar */
    {INTEGER_MULTIPLY, 0xfea00f10, 0xf2000900}, /* vmla, vmls: integers */
    {FLOAT_MULTIPLY, 0xffa00f10, 0xf2000c10},   /* vfma */
    {FLOAT_MULTIPLY, 0xffa00f10, 0xf2000d10},   /* vmla: floats */
    {FLOAT_MULTIPLY, 0xfea00f50, 0xf2a00140},   /* vmla: floats, by scalar */
};

static const struct pattern *patterns;
static size_t pattern_count;
static uint64_t counters[CLASSES], at_start[CLASSES];
static int out = -1;

static void translate(plugin_id id, struct qemu_plugin_tb *block)
{
    uint64_t found[CLASSES] = {0};

    (void)id;
    found[ALL] = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < found[ALL]; i++) {
        const struct qemu_plugin_insn *one = qemu_plugin_tb_get_insn(block, i);
        uint32_t word;

        if (qemu_plugin_insn_size(one) != sizeof word) {
            continue; /* 16-bit Thumb holds none; in 32 bits the runtimes are not Thumb */
        }
        memcpy(&word, qemu_plugin_insn_data(one), sizeof word);
        for (size_t k = 0; k < pattern_count; k++) {
            if ((word & patterns[k].mask) == patterns[k].value) {
                found[patterns[k].class]++;
                break;
            }
        }
    }
    for (int c = 0; c < CLASSES; c++) {
        if (found[c]) {
            qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &counters[c], found[c]);
        }
    }
}

static void mark(plugin_id id, unsigned int cpu, int64_t number, uint64_t which, uint64_t who,
                 uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)cpu, (void)number, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (which != 0) {
        return;
    }
    if ((uint32_t)who == START) {
        memcpy(at_start, counters, sizeof counters);
    } else if ((uint32_t)who == STOP) {
        char line[128];
        int length = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                              counters[ALL] - at_start[ALL], counters[DOT] - at_start[DOT],
                              counters[INTEGER_MULTIPLY] - at_start[INTEGER_MULTIPLY],
                              counters[FLOAT_MULTIPLY] - at_start[FLOAT_MULTIPLY]);
        if (write(out, line, (size_t)length) != length) {
            _exit(70); /* counts that cannot be kept must not look like none */
        }
    }
}

EXPORT int qemu_plugin_install(plugin_id id, const struct info *info, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = open(argv[i] + 4, O_WRONLY | O_CREAT | O_APPEND, 0600);
        }
    }
    if (out < 0) {
        return -1;
    }
    if (strcmp(info->target_name, "aarch64") == 0) {
        patterns = AARCH64;
        pattern_count = sizeof AARCH64 / sizeof *AARCH64;
    } else {
        patterns = ARM;
        pattern_count = sizeof ARM / sizeof *ARM;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, mark);
    return 0;
}
