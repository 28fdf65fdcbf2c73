/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: what an input is made of. An artifact (node) is described by regions that tile it exactly,
 * grouped into records, with members (child nodes) that hang from regions. The tree is built once
 * by the format handlers through a layout (formats/format.h) and is read-only afterwards.
 *
 * Everything is owned by the tree's arena; all pointers are borrowed until asy_tree_free.
 */
#ifndef ASY_TREE_H
#define ASY_TREE_H

#include "base/base.h"
#include "base/hash.h"
#include "io/io.h"

struct asy_format;
typedef struct asy_node asy_node;

/*
 * A normalisation step (docs/spec/): a pure function of one file, named and versioned. A region
 * that carries a step is left out of the normal form (or, where it encodes a member, replaced by the
 * member's normal form). `cause` is the id of the cause that a difference of such a region shows.
 */
typedef struct asy_step {
    const char *name; /* "tar.member-times" */
    unsigned version;
    const char *cause;   /* "timestamp.archive-member" */
    const char *summary; /* one sentence */
} asy_step;

typedef enum asy_role {
    ASY_ROLE_STRUCT,  /* a field or table with a meaning */
    ASY_ROLE_CONTENT, /* the bytes of `child`, verbatim */
    ASY_ROLE_ENCODED, /* an encoding of `child`: a compressed stream */
    ASY_ROLE_PADDING, /* slack between structures */
    ASY_ROLE_OPAQUE,  /* payload to which the format gives no further structure */
    ASY_ROLE_RAW      /* not understood: malformed, trailing, unknown */
} asy_role;

typedef struct asy_region {
    uint64_t offset, size; /* in the node's bytes */
    asy_span bytes;        /* those bytes; of a synthetic node (a directory), made ones */
    const char *name;      /* "header.mtime", ".text"; from an input when it is a section's */
    asy_role role;
    const asy_step *step; /* why it may be left out, or NULL: it counts */
    const char *value;    /* as people write it ("0755", "2024-05-01 10:00:00 UTC"), or NULL */
    asy_node *child;      /* for CONTENT and ENCODED */
    bool derived;     /* follows from the member: its size, its checksum; checked by the handler */
    uint64_t address; /* where it is loaded, when loaded */
    uint32_t flags;   /* ASY_REGION_* */
} asy_region;

enum {
    ASY_REGION_EXEC = 1,  /* executable code */
    ASY_REGION_WRITE = 2, /* writable data */
    ASY_REGION_LOAD = 4   /* part of the loaded image */
};

/* Regions that belong together: all that an archive says of one member. */
typedef struct asy_record {
    asy_span key; /* the member's name; empty for the file's own structures */
    size_t first, count;
    asy_node *member; /* or NULL */
} asy_record;

/* Something about the layout that a reader must know; kept whatever the comparison says. */
typedef struct asy_finding {
    uint64_t offset, size;
    const char *region; /* name of the region concerned, or NULL */
    const char *text;
    bool malformed; /* the file breaks its format; else merely notable (a duplicate name) */
    bool limit;     /* a limit cut the reading short: text names it */
} asy_finding;

typedef enum asy_type {
    ASY_TYPE_FILE,
    ASY_TYPE_DIR,
    ASY_TYPE_SYMLINK,
    ASY_TYPE_HARDLINK,
    ASY_TYPE_CHAR,
    ASY_TYPE_BLOCK,
    ASY_TYPE_FIFO,
    ASY_TYPE_OTHER
} asy_type;

/* What a container claims of a member. */
typedef struct asy_meta {
    asy_type type;
    bool has_mode;
    uint32_t mode; /* permission bits with setuid, setgid, sticky */
    asy_span link; /* target of a link */
} asy_meta;

struct asy_node {
    const struct asy_format *format; /* never NULL: "bytes" when nothing else fits */
    asy_span name;                   /* as the container spells it; empty for the root */
    asy_node *parent;
    asy_meta meta;
    asy_blob *blob; /* keeps bytes alive; NULL for a synthetic node */
    asy_span bytes;
    asy_sha256 sha256; /* of bytes; for a directory: of its listing (docs/spec/normal-form.md) */
    asy_region *regions;
    size_t region_count;
    asy_record *records;
    size_t record_count;
    asy_node **children; /* in file order */
    size_t child_count;
    asy_finding *findings;
    size_t finding_count;
    /* The records may stand in any order (the handler has checked the conditions): the normal form
     * sorts them by key. NULL: the order counts. */
    const asy_step *order_step;
    /* What installing the parent unpacks, rather than stores: the two tars of a .deb, the content of
     * a compressed archive. Only along such members may a step make a difference benign. */
    bool unpacked;
    bool well_formed; /* no malformed finding, no RAW region */
};

typedef struct asy_tree {
    asy_node *root;
    struct asy_arena *arena;
    bool limited; /* a limit cut something short */
} asy_tree;

/* Bounds on what one input may cost; each has a name that findings and reports use. */
typedef struct asy_limits {
    uint32_t depth;    /* "depth": members inside members */
    uint64_t entries;  /* "entries": members in all */
    uint64_t expanded; /* "expanded": bytes decoded in all */
    uint64_t ratio;    /* "ratio": decoded over encoded, once more than 64 MiB are decoded */
} asy_limits;

extern const asy_limits asy_limits_default; /* 32, 2,000,000, 64 GiB, 2,000 */

/*
 * Reads what is open at fd (a regular file or a directory) into a tree. `name` is for probing by
 * name and for messages. scratch_fd: see asy_blob_writer_new. Malformed input is no error.
 * The tree keeps no reference to fd.
 */
int asy_tree_read(int fd, const char *name, int scratch_fd, const asy_limits *limits, asy_tree *out,
                  asy_error *error);
/* The same over bytes in memory, which outlive the tree: for tests and fuzzing. */
int asy_tree_read_bytes(asy_span bytes, const char *name, const asy_limits *limits, asy_tree *out,
                        asy_error *error);
void asy_tree_free(asy_tree *tree);

/* The tiling promise: regions are ordered, do not overlap and cover [0, size). True for a synthetic
 * node. On false, *offset is the first byte at which it breaks. */
bool asy_node_tiles(const asy_node *node, uint64_t *offset);
/* Bytes of RAW regions. */
uint64_t asy_node_raw_bytes(const asy_node *node);
/* True along the members that installing the root unpacks: steps may apply. */
bool asy_node_is_unpacked(const asy_node *node);

/*
 * The normal form's SHA-256 (docs/spec/normal-form.md), and the steps that it took, in order of
 * first use, one entry for a step and node. Equal normal forms are the certificate of equivalence.
 */
typedef struct asy_step_use {
    const asy_step *step;
    const asy_node *node;
} asy_step_use;
typedef struct asy_normal {
    asy_sha256 digest;
    asy_step_use *uses; /* owned; free() */
    size_t use_count;
} asy_normal;
void asy_node_normal(const asy_node *node, asy_normal *out);

#endif
