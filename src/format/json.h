/*
 * json.h - JSON documents: read with bounds, asked with sentences, written compactly.
 *
 * The library stays behind this noun. Values are counted: what is put into an
 * object or array belongs to it; what is got from one is borrowed. Members keep
 * their order. Strings are valid UTF-8: what is not is written with U+FFFD.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct err;
struct json;

enum { JSON_DEPTH_MOST = 64 };

/*
 * Read one document. Duplicate members, trailing bytes, NUL in strings and nesting beyond JSON_DEPTH_MOST
 * are errors. Owns: the caller frees *out. Fails: ERR_INPUT with line and column.
 */
int json_parse(struct json **out, const void *bytes, size_t len, struct err *err);
void json_free(struct json *json); /* NULL is fine */
struct json *json_ref(struct json *json);

/* --- write: the names json_object() and the like are the library's own --- */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text); /* NULL makes null */
struct json *json_new_stringn(const char *text, size_t len);
struct json *json_new_int(int64_t value);
struct json *json_new_bool(bool value);
struct json *json_new_real(double value);
struct json *json_new_null(void);

/* Take value into object (or at array's end). */
void json_put(struct json *object, const char *key, struct json *value);
void json_put_str(struct json *object, const char *key, const char *text); /* NULL puts null */
void json_put_int(struct json *object, const char *key, int64_t value);
void json_put_bool(struct json *object, const char *key, bool value);
/* RFC 3339; 0 puts null. */
void json_put_time(struct json *object, const char *key, int64_t unix_ms);
/* What may be any bytes: as "text" where they are UTF-8 without NUL, else as "base64". */
void json_put_bytes(struct json *object, const void *bytes, size_t len);
void json_push(struct json *array, struct json *value);

/* Append the document, without white space; or indented by two blanks with a newline at the end. */
void json_write(struct buffer *out, const struct json *json);
/* A string with its quotes, for text that needs no document; it must be valid UTF-8. */
void json_write_string(struct buffer *out, const char *text, size_t len);
void json_write_pretty(struct buffer *out, const struct json *json);

/* --- ask --- */
bool json_is_object(const struct json *json);
bool json_is_array(const struct json *json);
bool json_is_string(const struct json *json);
bool json_is_int(const struct json *json);
bool json_is_bool(const struct json *json);
bool json_is_real(const struct json *json);
bool json_is_null(const struct json *json); /* JSON null, not a C NULL */

/* Member or NULL; object may be NULL or no object. */
struct json *json_get(const struct json *object, const char *key);
const char *json_get_str(const struct json *object, const char *key);	/* NULL when absent or no string */
int64_t json_get_int(const struct json *object, const char *key, int64_t absent);
bool json_get_bool(const struct json *object, const char *key, bool absent);

/* The value itself; NULL, 0, false when it is of another kind. */
const char *json_str(const struct json *json);
int64_t json_int_value(const struct json *json);
bool json_bool_value(const struct json *json);
double json_number(const struct json *json);

/* Required members. Fails: ERR_INPUT "member 'key' is missing" or "... must be a string". */
int json_need_str(const struct json *object, const char *key, const char **out, struct err *err);
int json_need_int(const struct json *object, const char *key, int64_t least, int64_t most,
		  int64_t *out, struct err *err);
int json_need_array(const struct json *object, const char *key, size_t most, struct json **out,
		    struct err *err);
int json_need_object(const struct json *object, const char *key, struct json **out,
		     struct err *err);

/* Elements of an array, or members of an object. */
size_t json_count(const struct json *json);
struct json *json_at(const struct json *array, size_t i);

/* Members in order: for (it = json_first(o); it != NULL; it = json_next(o, it)) json_key(it), json_value(it). */
void *json_first(const struct json *object);
void *json_next(const struct json *object, void *it);
const char *json_key(void *it);
struct json *json_value(void *it);

#endif
