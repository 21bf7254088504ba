/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The values that the typed config is made of, each with its place. Part of model/model.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "diag/diag.h"
#include "tree/tree.h"

struct m_str { struct str value; struct span at; };   /* value.ptr NULL: absent */
struct m_u64 { uint64_t value; struct span at; };     /* counts, bytes, milliseconds; the field's name says which */
struct m_i64 { int64_t value; struct span at; };
struct m_bool { bool value; struct span at; };
struct m_strs { struct m_str *at; size_t n; };

/* A file that the running gateway reads: as written, and where it is. */
struct m_file_name { struct m_str text; struct str path; /* ptr NULL: absent */ };

/* A secret by reference; a literal is allowed with a warning. */
enum m_secret_kind { M_SECRET_NONE, M_SECRET_LITERAL, M_SECRET_ENV, M_SECRET_FILE };
struct m_secret { enum m_secret_kind kind; struct str value; struct span at; };
