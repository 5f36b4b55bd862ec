# src/base: no descriptors, no clock
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/assert.c src/base/assert.h \
	src/base/buffer.c src/base/buffer.h \
	src/base/cleanup.h \
	src/base/crc32c.c src/base/crc32c.h \
	src/base/err.c src/base/err.h \
	src/base/id.c src/base/id.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/options.c src/base/options.h \
	src/base/poison.h \
	src/base/sanitize.h \
	src/base/slab.c src/base/slab.h src/base/slab_store.h \
	src/base/text.c src/base/text.h

# Where a slab's chunks come from.
if SLAB_MALLOC
libbase_a_SOURCES += src/base/slab_malloc.c
else
libbase_a_SOURCES += src/base/slab_arena.c
endif
