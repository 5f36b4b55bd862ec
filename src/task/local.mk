# src/task: what travels between hub and agent; may include base, format
noinst_LIBRARIES += libtask.a
libtask_a_SOURCES = \
	src/task/blob.c src/task/blob.h \
	src/task/cache_file.c src/task/cache_file.h \
	src/task/event.c src/task/event.h \
	src/task/layers.c src/task/layers.h \
	src/task/mask.c src/task/mask.h \
	src/task/mask_set.c src/task/mask_set.h \
	src/task/names.c src/task/names.h \
	src/task/needles.c src/task/needles.h \
	src/task/output_marks.c src/task/output_marks.h \
	src/task/output_record.c src/task/output_record.h \
	src/task/secret_forms.c src/task/secret_forms.h \
	src/task/session_frame.c src/task/session_frame.h \
	src/task/sieve.c src/task/sieve.h \
	src/task/sparse.c src/task/sparse.h \
	src/task/task_doc.c src/task/task_doc.h \
	src/task/task_read.c src/task/task_read.h \
	src/task/task_step.c \
	src/task/test_case.c src/task/test_case.h \
	src/task/test_mask.c src/task/test_mask.h \
	src/task/timings_file.c src/task/timings_file.h
