/* Generated from core/ (tools/layout-header.ts): UPDATE_HEADERS=1 npm test writes it anew. */
#ifndef PYMALLOC_LAYOUT_H
#define PYMALLOC_LAYOUT_H

/* Offsets of members, and sizes of structs, in bytes. */
#define PYMALLOC_OB_REFCNT 0
#define PYMALLOC_OB_TYPE 4
#define PYMALLOC_OB_SIZE 8
#define PYMALLOC_OBJECT_HEADER 8
#define PYMALLOC_VAR_OBJECT_HEADER 12
#define PYMALLOC_TP_NAME 12
#define PYMALLOC_TP_BASICSIZE 16
#define PYMALLOC_TP_ITEMSIZE 20
#define PYMALLOC_TP_DEALLOC 24
#define PYMALLOC_TYPE_SIZE 28

/* An object whose count of references is this or more never dies. */
#define PYMALLOC_IMMORTAL 1073741824

/* Every block begins at a multiple of ALIGNMENT bytes; pools serve requests up to the threshold. */
#define PYMALLOC_ALIGNMENT 8
#define PYMALLOC_SMALL_REQUEST_THRESHOLD 512

#endif
