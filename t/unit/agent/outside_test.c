/*
 * outside_test.c - which resolver a task with a network of its own asks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "agent/outside.h"
#include "base/buffer.h"

static void
expect(const char *text, bool any, const char *address, const char *wanted)
{
	struct resolver resolver = {.gateway = "192.0.2.1"};
	struct buffer out = BUFFER_INIT;

	assert_int_equal(resolver_translate(&resolver, text, &out), any);
	assert_string_equal(resolver.address, address);
	assert_string_equal(buffer_text(&out), wanted);
	buffer_release(&out);
}

static void
test_resolver_translate_leaves_what_a_task_reaches(void **state)
{
	(void)state;
	expect("", false, "", "");
	expect("nameserver 198.51.100.1\nnameserver 2001:db8::1", false, "",
	       "nameserver 198.51.100.1\nnameserver 2001:db8::1");
	expect("# nameserver 127.0.0.1\nnameservers 127.0.0.1\nnameserver\nnameserver \nnameserver one\n",
	       false, "", "# nameserver 127.0.0.1\nnameservers 127.0.0.1\nnameserver\nnameserver \nnameserver one\n");
}

static void
test_resolver_translate_has_the_gateway_stand_in_for_the_first_of_the_host(void **state)
{
	(void)state;
	expect("nameserver 127.0.0.53\noptions edns0\nsearch example.org\n", true, "127.0.0.53",
	       "nameserver 192.0.2.1\noptions edns0\nsearch example.org\n");
	expect("search a\nnameserver \t ::1 # v6\nnameserver 0.0.0.0\nnameserver 127.0.0.2\nnameserver 198.51.100.1",
	       true, "0.0.0.0", "search a\nnameserver 192.0.2.1\nnameserver 198.51.100.1");
	expect("nameserver ::1", true, "", "");
}

static void
test_resolver_read_gateway_takes_the_first_default_route(void **state)
{
	static const char head[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";
	struct resolver resolver = {.path = NULL};
	char text[512];

	(void)state;
	assert_false(resolver_read_gateway(&resolver, ""));
	assert_false(resolver_read_gateway(&resolver, head));
	(void)strcat(strcpy(text, head), "eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n"
					 "eth0\t000200C0\t010200C0\t0003\t0\t0\t0\t00FFFFFF\n"
					 "eth0\t000200C0\t0102");
	assert_false(resolver_read_gateway(&resolver, text));
	(void)strcat(strcpy(text, head), "eth1\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
					 "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n"
					 "eth1\t00000000\t050200C0\t0003\t0\t0\t9\t00000000\n");
	assert_true(resolver_read_gateway(&resolver, text));
	assert_string_equal(resolver.gateway, "192.0.2.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolver_translate_leaves_what_a_task_reaches),
		cmocka_unit_test(test_resolver_translate_has_the_gateway_stand_in_for_the_first_of_the_host),
		cmocka_unit_test(test_resolver_read_gateway_takes_the_first_default_route),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
