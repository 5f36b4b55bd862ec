/*
 * yaml_scalar.c - what a plain scalar means: YAML 1.1's core types, from text.
 *
 * The C library's number readers look at the locale, so decimal points never reach
 * them: a float is read as digits and a power of ten.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { FLOAT_TEXT_MAX_BYTES = 400 };

/* text is one of word in lower case, Capitalised or UPPER CASE. */
static bool
is_word(const char *text, const char *word)
{
	bool first_upper = text[0] >= 'A' && text[0] <= 'Z';
	bool rest_upper = text[0] != '\0' && text[1] >= 'A' && text[1] <= 'Z';
	size_t i;

	if (rest_upper && !first_upper)
		return false;
	for (i = 0; word[i] != '\0'; i++) {
		bool upper = i == 0 ? first_upper : rest_upper;

		if (text[i] != (upper ? word[i] - 'a' + 'A' : word[i]))
			return false;
	}
	return text[i] == '\0';
}

static bool
resolve_null(struct node *scalar)
{
	const char *text = scalar->text;

	if (text[0] != '\0' && strcmp(text, "~") != 0 && !is_word(text, "null"))
		return false;
	scalar->kind = NODE_NULL;
	return true;
}

static bool
resolve_bool(struct node *scalar)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_word(scalar->text, words[i])) {
			scalar->kind = NODE_BOOL;
			scalar->boolean = i % 2 == 1;
			return true;
		}
	}
	return false;
}

/* An integer too large for 64 bits is no integer: it goes on to be a float. */
static bool
resolve_int(struct node *scalar, bool *octal)
{
	const char *p = scalar->text;
	bool negative = *p == '-', leading_zero, any = false;
	int base = 10;
	int64_t value = 0;

	if (*p == '-' || *p == '+')
		p++;
	leading_zero = p[0] == '0' && p[1] != '\0';
	if (leading_zero) {
		base = p[1] == 'x' ? 16 : p[1] == 'b' ? 2 : 8;
		p += base == 8 ? 1 : 2;
	} else if (*p == '_') {
		return false;
	}
	for (; *p != '\0'; p++) {
		int digit = text_hex_value(*p);

		if (*p == '_')
			continue;
		if (digit < 0 || digit >= base)
			return false;
		any = true;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value))
			return false;
	}
	if (!any)
		return false;
	scalar->kind = NODE_INT;
	scalar->integer = value;
	*octal = leading_zero && base == 8;
	return true;
}

static bool
resolve_special_float(struct node *scalar)
{
	const char *text = scalar->text;
	bool negative = text[0] == '-';

	if (strcmp(text, ".nan") == 0 || strcmp(text, ".NaN") == 0 || strcmp(text, ".NAN") == 0) {
		scalar->kind = NODE_FLOAT;
		scalar->real = (double)NAN;
		return true;
	}
	if (text[0] == '-' || text[0] == '+')
		text++;
	if (text[0] != '.' || !is_word(text + 1, "inf"))
		return false;
	scalar->kind = NODE_FLOAT;
	scalar->real = negative ? -(double)INFINITY : (double)INFINITY;
	return true;
}

/* Digits with "_" left out, from *p on, to out[*n]; says whether there was one. */
static bool
take_digits(const char **p, char *out, size_t *n)
{
	bool any = false;

	for (; (**p >= '0' && **p <= '9') || (any && **p == '_'); (*p)++) {
		if (**p == '_')
			continue;
		out[(*n)++] = **p;
		any = true;
	}
	return any;
}

/* "exponent" after e or E; false where it is none. */
static bool
take_exponent(const char *p, long *exponent)
{
	const char *digits = p;
	char *end;

	if (*digits == '+' || *digits == '-')
		digits++;
	if (*digits < '0' || *digits > '9')
		return false;
	*exponent = strtol(p, &end, 10);
	if (*exponent > 100000)
		*exponent = 100000;
	if (*exponent < -100000)
		*exponent = -100000;
	return *end == '\0';
}

static bool
resolve_float(struct node *scalar)
{
	char number[FLOAT_TEXT_MAX_BYTES + 32];
	const char *p = scalar->text;
	size_t n = 0, whole;
	bool any, dot, exponent_is_there;
	long exponent = 0;

	if (scalar->count > FLOAT_TEXT_MAX_BYTES)
		return false;
	if (*p == '-' || *p == '+')
		number[n++] = *p++;
	any = take_digits(&p, number, &n);
	dot = *p == '.';
	whole = n;
	if (dot) {
		p++;
		any |= take_digits(&p, number, &n);
	}
	exponent_is_there = *p == 'e' || *p == 'E';
	if (!any || (exponent_is_there ? !take_exponent(p + 1, &exponent) : *p != '\0'))
		return false;
	/* Digits alone are a float only where they do not fit an integer: not with a leading 0. */
	if (!dot && !exponent_is_there && text_hex_value(scalar->text[0]) == 0)
		return false;
	(void)snprintf(number + n, sizeof(number) - n, "e%ld", exponent - (long)(n - whole));
	scalar->kind = NODE_FLOAT;
	scalar->real = strtod(number, NULL);
	return true;
}

void
yaml_scalar_resolve(struct node *scalar, bool *octal)
{
	char first = scalar->text[0];

	*octal = false;
	scalar->kind = NODE_STRING;
	if (resolve_null(scalar) || resolve_bool(scalar))
		return;
	if (first != '+' && first != '-' && first != '.' && (first < '0' || first > '9'))
		return;
	if (resolve_int(scalar, octal) || resolve_special_float(scalar) || resolve_float(scalar))
		return;
	scalar->kind = NODE_STRING;
}

bool
yaml_is_ambiguous(const char *text)
{
	struct node scalar = {.text = text, .count = (uint32_t)strlen(text)};
	bool octal;

	yaml_scalar_resolve(&scalar, &octal);
	return scalar.kind != NODE_STRING;
}
