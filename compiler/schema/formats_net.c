/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Addresses, ranges, hosts and URLs of the config language. */
#include <arpa/inet.h>

#include "base/str.h"
#include "base/uri.h"
#include "schema/formats.h"
#include "schema/net_text.h"

static bool is_all_digits(struct str s)
{
	uint64_t n;

	return str_to_u64(s, UINT64_MAX, &n);
}

static bool has_scheme(struct str s)
{
	return str_find(s, STR("://")) >= 0;
}

/* "host:port" with one colon and a number behind it. */
static bool has_port(struct str s)
{
	size_t colon = str_find_char(s, ':');

	return colon < s.len && is_all_digits(str_slice(s, colon + 1, s.len));
}

#define NO_ZONES "an address with a zone, behind '%', cannot be used here"

static bool has_zone(struct str s)
{
	return str_find_char(s, '%') < s.len && str_find_char(s, ':') < s.len;
}

static bool check_ip(struct arena *a, struct str s, struct format_fault *fault)
{
	uint8_t addr[16];
	bool is_v4;

	if (net_text_ip(s, addr, &is_v4))
		return true;
	fault->id = DIAG_BAD_ADDRESS;
	fault->text =
		arena_printf(a, "'" STR_FMT "' is not a numeric IPv4 or IPv6 address", STR_ARG(s));
	if (str_eq_nocase(s, STR("localhost")))
		fault->note = STR("write 127.0.0.1 or ::1");
	else if (str_eq(s, STR("*")))
		fault->note = STR("leave the key out to listen on all addresses");
	else if (s.len > 2 && s.ptr[0] == '[')
		fault->note = STR(
			"an IPv6 address has no brackets here, and the port is a key of its own");
	else if (has_port(s))
		fault->note = STR("the port is a key of its own: 'port'");
	else if (has_zone(s))
		fault->note = STR(NO_ZONES);
	else
		fault->note = STR("names are not looked up here: an address is needed");
	return false;
}

/* The range's first address, as text: what was most likely meant. */
static struct str network_text(struct arena *a, uint8_t addr[16], uint8_t bits, bool is_v4)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < 128; i++) {
		if (i >= bits)
			addr[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	}
	if (is_v4)
		inet_ntop(AF_INET, addr + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr, text, sizeof(text));
	return arena_printf(a, "%s/%u", text, is_v4 ? bits - 96u : bits);
}

static bool check_cidr(struct arena *a, struct str s, struct format_fault *fault)
{
	uint8_t addr[16], network[16], bits;
	size_t slash = str_find_char(s, '/');
	bool is_v4;

	fault->id = DIAG_BAD_CIDR;
	if (!net_text_cidr(s, addr, &bits, &is_v4)) {
		fault->text = arena_printf(a, "'" STR_FMT "' is not an address range", STR_ARG(s));
		if (has_zone(s))
			fault->note = STR(NO_ZONES);
		else if (!net_text_ip(str_slice(s, 0, slash), addr, &is_v4))
			fault->note = STR("a range is an address and a number of bits: 10.0.0.0/8, "
					  "2001:db8::/32");
		else
			fault->note = arena_printf(
				a, "behind the '/' is a number of bits, 0 to %d", is_v4 ? 32 : 128);
		return false;
	}
	memcpy(network, addr, sizeof(network));

	struct str meant = network_text(a, network, bits, is_v4);

	if (memcmp(network, addr, sizeof(addr)) == 0)
		return true;
	fault->text = arena_printf(a, "'" STR_FMT "' has bits beyond its prefix; write " STR_FMT,
		STR_ARG(s), STR_ARG(meant));
	if (s.len > slash)
		fault->note = arena_printf(
			a, "for this one address, write " STR_FMT, STR_ARG(str_slice(s, 0, slash)));
	return false;
}

static bool explain_host(struct arena *a, struct str s, struct format_fault *fault)
{
	size_t star = str_find_char(s, '*');
	ptrdiff_t scheme = str_find(s, STR("://"));

	fault->id = DIAG_BAD_HOST;
	fault->text = arena_printf(a, "'" STR_FMT "' is not a host", STR_ARG(s));
	if (str_eq(s, STR("*")))
		fault->note = STR("leave 'host' out to match any host");
	else if (scheme >= 0)
		fault->note =
			STR("write the host alone; 'scheme' and 'path' are keys of their own");
	else if (str_find_char(s, '/') < s.len)
		fault->note = STR("write the host alone; 'path' is a key of its own");
	else if (has_port(s))
		fault->note = STR(
			"write the host without a port; a route is bound to a port by 'listeners'");
	else if (s.len > 0 && s.ptr[s.len - 1] >= '0' && s.ptr[s.len - 1] <= '9' && star == s.len && net_text_host(s))
		fault->note = STR("what ends in a number must be an IPv4 address, of four numbers up to 255");
	else if (star < s.len)
		fault->note = STR("a wildcard stands for whole labels, in front: *.example.com");
	else
		fault->note = STR("a host has letters, digits and '-' between dots; international "
				  "names are written in their xn-- form");
	return false;
}

static bool check_host_pattern(struct arena *a, struct str s, struct format_fault *fault)
{
	struct str name = str_starts(s, STR("*.")) ? str_slice(s, 2, s.len) : s;
	struct uri_authority at;
	uint8_t addr[16];
	bool is_v4;

	/* Of what ends in a number, only IPv4 addresses are hosts to the gateway: no request has "10.0.0.300". */
	if (net_text_host(name) && uri_authority_parse(name, &at) == URI_OK)
		return true;
	if (s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']' &&
		net_text_ip(str_slice(s, 1, s.len - 2), addr, &is_v4) && !is_v4)
		return true;
	return explain_host(a, s, fault);
}

static bool check_server_name(struct arena *a, struct str s, struct format_fault *fault)
{
	uint8_t addr[16];
	bool is_v4, is_numeric = net_text_ip(s, addr, &is_v4);

	if (!is_numeric && net_text_host(s))
		return true;
	explain_host(a, s, fault);
	if (is_numeric)
		fault->note = STR("TLS asks for names; leave the key out, and the address itself is checked");
	else if (str_starts(s, STR("*.")))
		fault->note = STR("one name is asked for, of those that the server's certificate has");
	return false;
}

static bool fail_url(struct arena *a, struct format_fault *fault, struct str s, const char *why)
{
	fault->id = DIAG_BAD_URL;
	fault->text = arena_printf(
		a, "'" STR_FMT "' cannot be used as a backend's URL: %s", STR_ARG(s), why);
	return false;
}

static bool check_url_parts(
	struct arena *a, struct str s, const struct uri *u, struct format_fault *fault)
{
	uint8_t addr[16];
	bool is_v4;

	if (!str_eq(u->scheme, STR("http")) && !str_eq(u->scheme, STR("https")))
		return fail_url(a, fault, s, "its scheme must be http or https");
	if (u->query.ptr != NULL)
		return fail_url(a, fault, s, "it has a query");
	if (!u->at.is_ipv6 && !net_text_ip(u->at.host, addr, &is_v4) && !net_text_host(u->at.host))
		return fail_url(a, fault, s, "its host is none");
	return true;
}

static bool check_backend_url(struct arena *a, struct str s, struct format_fault *fault)
{
	struct uri u;
	enum uri_error error;

	if (str_find_char(s, '$') < s.len) {
		fault->note = STR("a variable is ${NAME}, in upper case, and gets its value when the gateway is compiled");
		return fail_url(a, fault, s, "it has a '$'");
	}
	if (!has_scheme(s)) {
		fault->note = arena_printf(a, "write http://" STR_FMT, STR_ARG(s));
		return fail_url(a, fault, s, "it has no scheme");
	}
	if (str_find_char(s, '#') < s.len)
		return fail_url(a, fault, s, "it has a fragment");
	if (str_find_char(s, '@') < s.len) {
		fault->note =
			STR("credentials are sent by a headers middleware that sets authorization");
		return fail_url(a, fault, s, "it has a user");
	}
	error = uri_parse(a, s, &u);
	if (error != URI_OK)
		return fail_url(a, fault, s, uri_error_text(error));
	return check_url_parts(a, s, &u, fault);
}

static bool check_address(struct arena *a, struct str s, struct format_fault *fault)
{
	struct uri_authority at;
	enum uri_error error;
	uint8_t addr[16];
	bool is_v4;

	fault->id = DIAG_BAD_ADDRESS;
	fault->text = arena_printf(a, "'" STR_FMT "' is not host:port", STR_ARG(s));
	if (has_scheme(s)) {
		fault->note = STR("a URL is the value of 'url'");
		return false;
	}
	error = uri_authority_parse(s, &at);
	if (error != URI_OK) {
		if (net_text_ip(s, addr, &is_v4) && !is_v4)
			fault->note = arena_printf(a,
				"an IPv6 address stands in brackets: [" STR_FMT "]:80", STR_ARG(s));
		else if (has_zone(s))
			fault->note = STR(NO_ZONES);
		else if (error == URI_BAD_HOST)
			fault->note = STR("what ends in a number must be an IPv4 address, of four numbers up to 255; "
					  "names have letters, digits and '-' between dots");
		else if (error == URI_BAD_PORT)
			fault->note = STR("a port is a number, 1 to 65535");
		return false;
	}
	if (at.port == 0) {
		fault->note = arena_printf(a, "the port is missing: " STR_FMT ":80", STR_ARG(s));
		return false;
	}
	return at.is_ipv6 || net_text_ip(at.host, addr, &is_v4) || net_text_host(at.host);
}

/* Where a socket is bound: an address, not a name. */
static bool check_ip_port(struct arena *a, struct str s, struct format_fault *fault)
{
	struct uri_authority at;
	uint8_t addr[16];
	bool is_v4;

	if (!check_address(a, s, fault)) {
		fault->text = arena_printf(a, "'" STR_FMT "' is not a numeric address and a port", STR_ARG(s));
		return false;
	}
	if (uri_authority_parse(s, &at) == URI_OK && net_text_ip(at.host, addr, &is_v4))
		return true;
	fault->text = arena_printf(a, "'" STR_FMT "' is not a numeric address and a port", STR_ARG(s));
	fault->note = STR("names are not looked up here: an address is needed, as in 127.0.0.1:9901");
	return false;
}

const struct format formats_net[] = {
	{ STR_INIT("x-ip"), check_ip },
	{ STR_INIT("x-cidr"), check_cidr },
	{ STR_INIT("x-host-pattern"), check_host_pattern },
	{ STR_INIT("x-server-name"), check_server_name },
	{ STR_INIT("x-backend-url"), check_backend_url },
	{ STR_INIT("x-address"), check_address },
	{ STR_INIT("x-ip-port"), check_ip_port },
	{ { NULL, 0 }, NULL },
};
