/* The least that TFLite takes for an external delegate: it takes no operator over, or fails as the
   option "fault" says. The structure is that of TFLite's C API, whose layout is kept. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Delegate {
  void *data;
  int (*prepare)(void *context, struct Delegate *delegate);
  void *copy_from_buffer, *copy_to_buffer, *free_buffer;
  int64_t flags;
  void *builder;
} Delegate;

enum { OK = 0, FAILED = 1 };

static int take_nothing(void *context, Delegate *delegate) { return OK; }

static int refuse(void *context, Delegate *delegate) { return FAILED; }

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                        void (*report)(const char *)) {
  const char *fault = "";
  for (size_t i = 0; i < count; i++)
    if (strcmp(keys[i], "fault") == 0) fault = values[i];
  if (strcmp(fault, "hang") == 0)
    for (;;) pause();
  if (strcmp(fault, "report") == 0) {
    report("planted: no such device");
    return NULL;
  }
  Delegate *made = calloc(1, sizeof *made);
  made->prepare = strcmp(fault, "refuse") == 0 ? refuse : take_nothing;
  return made;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
