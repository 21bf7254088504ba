/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a static libgnutls.a wants and a static gateway cannot have: p11-kit, which loads modules with dlopen and ships no archive.
 * Each function answers as on a machine without tokens. Built into libp11stub.a, which only static links use; a dynamic
 * gateway gets the real library.
 *
 * A `pkcs11:` URL never comes this far: toronc refuses it with an error of its own. */
#define P11_KIT_FUTURE_UNSTABLE_API 1

#include <stddef.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/iter.h>
#include <p11-kit/pin.h>
#include <p11-kit/uri.h>

static const char no_tokens[] = "PKCS #11 is not available in a static gateway";

/* ---- modules ---- */

CK_FUNCTION_LIST **p11_kit_modules_load(const char *reserved, int flags)
{
	(void)reserved;
	(void)flags;
	return NULL;
}

CK_FUNCTION_LIST *p11_kit_module_load(const char *module_path, int flags)
{
	(void)module_path;
	(void)flags;
	return NULL;
}

CK_RV p11_kit_module_initialize(CK_FUNCTION_LIST *module)
{
	(void)module;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV p11_kit_module_finalize(CK_FUNCTION_LIST *module)
{
	(void)module;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

void p11_kit_module_release(CK_FUNCTION_LIST *module)
{
	(void)module;
}

void p11_kit_modules_release(CK_FUNCTION_LIST **modules)
{
	(void)modules;
}

char *p11_kit_module_get_name(CK_FUNCTION_LIST *module)
{
	(void)module;
	return NULL;
}

char *p11_kit_module_get_filename(CK_FUNCTION_LIST *module)
{
	(void)module;
	return NULL;
}

int p11_kit_module_get_flags(CK_FUNCTION_LIST *module)
{
	(void)module;
	return 0;
}

char *p11_kit_config_option(CK_FUNCTION_LIST *module, const char *option)
{
	(void)module;
	(void)option;
	return NULL;
}

const char *p11_kit_strerror(CK_RV rv)
{
	(void)rv;
	return no_tokens;
}

const char *p11_kit_message(void)
{
	return no_tokens;
}

size_t p11_kit_space_strlen(const unsigned char *string, size_t max_length)
{
	(void)string;
	(void)max_length;
	return 0;
}

char *p11_kit_space_strdup(const unsigned char *string, size_t max_length)
{
	(void)string;
	(void)max_length;
	return NULL;
}

/* ---- URIs: none can be made, so none is ever looked into ---- */

P11KitUri *p11_kit_uri_new(void)
{
	return NULL;
}

void p11_kit_uri_free(P11KitUri *uri)
{
	(void)uri;
}

int p11_kit_uri_parse(const char *string, P11KitUriType type, P11KitUri *uri)
{
	(void)string;
	(void)type;
	(void)uri;
	return P11_KIT_URI_UNEXPECTED;
}

int p11_kit_uri_format(P11KitUri *uri, P11KitUriType type, char **string)
{
	(void)uri;
	(void)type;
	*string = NULL;
	return P11_KIT_URI_UNEXPECTED;
}

CK_INFO_PTR p11_kit_uri_get_module_info(P11KitUri *uri)
{
	(void)uri;
	return NULL;
}

CK_TOKEN_INFO_PTR p11_kit_uri_get_token_info(P11KitUri *uri)
{
	(void)uri;
	return NULL;
}

int p11_kit_uri_match_module_info(const P11KitUri *uri, const CK_INFO *info)
{
	(void)uri;
	(void)info;
	return 0;
}

int p11_kit_uri_match_token_info(const P11KitUri *uri, const CK_TOKEN_INFO *info)
{
	(void)uri;
	(void)info;
	return 0;
}

CK_ATTRIBUTE_PTR p11_kit_uri_get_attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type)
{
	(void)uri;
	(void)type;
	return NULL;
}

CK_ATTRIBUTE_PTR p11_kit_uri_get_attributes(P11KitUri *uri, CK_ULONG *n_attributes)
{
	(void)uri;
	*n_attributes = 0;
	return NULL;
}

int p11_kit_uri_set_attribute(P11KitUri *uri, CK_ATTRIBUTE_PTR attribute)
{
	(void)uri;
	(void)attribute;
	return P11_KIT_URI_UNEXPECTED;
}

const char *p11_kit_uri_get_pin_value(const P11KitUri *uri)
{
	(void)uri;
	return NULL;
}

const char *p11_kit_uri_get_pin_source(const P11KitUri *uri)
{
	(void)uri;
	return NULL;
}

/* ---- PINs ---- */

P11KitPin *p11_kit_pin_new_for_string(const char *value)
{
	(void)value;
	return NULL;
}

void p11_kit_pin_unref(P11KitPin *pin)
{
	(void)pin;
}

const unsigned char *p11_kit_pin_get_value(P11KitPin *pin, size_t *length)
{
	(void)pin;
	if (length != NULL)
		*length = 0;
	return NULL;
}

size_t p11_kit_pin_get_length(P11KitPin *pin)
{
	(void)pin;
	return 0;
}

int p11_kit_pin_register_callback(const char *source, p11_kit_pin_callback callback, void *data,
	p11_kit_pin_destroy_func destroy)
{
	(void)source;
	(void)callback;
	(void)data;
	(void)destroy;
	return 0;
}

void p11_kit_pin_unregister_callback(const char *source, p11_kit_pin_callback callback, void *data)
{
	(void)source;
	(void)callback;
	(void)data;
}

P11KitPin *p11_kit_pin_request(const char *source, P11KitUri *uri, const char *description, P11KitPinFlags flags)
{
	(void)source;
	(void)uri;
	(void)description;
	(void)flags;
	return NULL;
}

P11KitPin *p11_kit_pin_file_callback(const char *source, P11KitUri *uri, const char *description,
	P11KitPinFlags flags, void *data)
{
	(void)source;
	(void)uri;
	(void)description;
	(void)flags;
	(void)data;
	return NULL;
}

/* ---- iteration over objects (GnuTLS 3.8) ---- */

P11KitIter *p11_kit_iter_new(P11KitUri *uri, P11KitIterBehavior behavior)
{
	(void)uri;
	(void)behavior;
	return NULL;
}

void p11_kit_iter_free(P11KitIter *iter)
{
	(void)iter;
}

void p11_kit_iter_add_filter(P11KitIter *iter, CK_ATTRIBUTE *matching, CK_ULONG count)
{
	(void)iter;
	(void)matching;
	(void)count;
}

void p11_kit_iter_begin_with(P11KitIter *iter, CK_FUNCTION_LIST *module, CK_SLOT_ID slot, CK_SESSION_HANDLE session)
{
	(void)iter;
	(void)module;
	(void)slot;
	(void)session;
}

CK_RV p11_kit_iter_next(P11KitIter *iter)
{
	(void)iter;
	return CKR_CANCEL; /* the end of the list */
}

CK_OBJECT_HANDLE p11_kit_iter_get_object(P11KitIter *iter)
{
	(void)iter;
	return 0;
}

CK_RV p11_kit_iter_get_attributes(P11KitIter *iter, CK_ATTRIBUTE *template, CK_ULONG count)
{
	(void)iter;
	(void)template;
	(void)count;
	return CKR_FUNCTION_NOT_SUPPORTED;
}
