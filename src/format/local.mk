# src/format: libraries behind our nouns; may include base
noinst_LIBRARIES += libformat.a
libformat_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS) $(ZSTD_CFLAGS) $(ZLIB_CFLAGS) $(OPENSSL_CFLAGS)
libformat_a_SOURCES = \
	src/format/digest.c src/format/digest.h \
	src/format/frame.c src/format/frame.h \
	src/format/gzip.c src/format/gzip.h \
	src/format/json.c src/format/json.h src/format/json_write.c \
	src/format/openmetrics.c src/format/openmetrics.h src/format/openmetrics_process.c \
	src/format/rsa_key.c src/format/rsa_key.h \
	src/format/seal.c src/format/seal.h \
	src/format/ssh_key.c src/format/ssh_key.h \
	src/format/yaml.c src/format/yaml.h \
	src/format/yaml_anchor.c \
	src/format/yaml_map.c \
	src/format/yaml_merge.c \
	src/format/yaml_reader.h \
	src/format/yaml_scalar.c src/format/yaml_write.c
format_libs = $(JANSSON_LIBS) $(YAML_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) $(OPENSSL_LIBS)
