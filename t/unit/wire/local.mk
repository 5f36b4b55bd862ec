unit_tests += t/unit/wire/message_test t/unit/wire/record_test t/unit/wire/spec_test \
	t/unit/wire/shelter_test t/unit/wire/packet_test
t_unit_wire_packet_test_SOURCES = t/unit/wire/packet_test.c
t_unit_wire_packet_test_LDADD = libwire.a libbase.a $(unit_ldadd)
t_unit_wire_message_test_SOURCES = t/unit/wire/message_test.c
t_unit_wire_message_test_CPPFLAGS = $(unit_cppflags) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_wire_message_test_LDADD = libwire.a libbase.a $(unit_ldadd)
t_unit_wire_record_test_SOURCES = t/unit/wire/record_test.c
t_unit_wire_record_test_LDADD = libwire.a libbase.a $(unit_ldadd)
t_unit_wire_spec_test_SOURCES = t/unit/wire/spec_test.c
t_unit_wire_spec_test_LDADD = libwire.a libbase.a $(unit_ldadd)
EXTRA_DIST += t/data/shelter/version-1 t/data/shelter/version-2 t/data/shelter/version-3
t_unit_wire_shelter_test_SOURCES = t/unit/wire/shelter_test.c
t_unit_wire_shelter_test_CPPFLAGS = $(unit_cppflags) -DTOP_SRCDIR='"$(abs_top_srcdir)"'
t_unit_wire_shelter_test_LDADD = libwire.a libbase.a $(unit_ldadd)
