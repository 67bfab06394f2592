/* SQLite on whatever malloc is linked: a database in memory, and what some queries answer as one text. */
#include <stdlib.h>
#include <string.h>

#include "sqlite3.h"

static int no_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}

static int full_path(sqlite3_vfs *vfs, const char *name, int n, char *out) {
  (void)vfs;
  sqlite3_snprintf(n, out, "%s", name);
  return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int n, char *out) {
  (void)vfs;
  memset(out, 1, (size_t)n);
  return n;
}

static int current_time(sqlite3_vfs *vfs, double *out) {
  (void)vfs;
  *out = 2460000.5;
  return SQLITE_OK;
}

/* A system without files. */
int sqlite3_os_init(void) {
  static sqlite3_vfs vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(sqlite3_file),
    .mxPathname = 64,
    .zName = "none",
    .xOpen = no_file,
    .xFullPathname = full_path,
    .xRandomness = randomness,
    .xCurrentTime = current_time,
  };
  return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void) {
  return SQLITE_OK;
}

static const char *const script[] = {
  "create table word(id integer primary key, text text, length int)",
  "create view n as with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) select i from n",
  "insert into word select i, printf('%c%d-%s', 97 + i % 26, i * 7919 % 1000, hex(i * i)), 0 from n",
  "update word set length = length(text)",
  "create index by_text on word(text)",
  "select count(*), sum(length), min(text), max(text) from word",
  "select substr(text, 1, 1) as letter, count(*), avg(length) from word group by letter order by letter",
  "select a.text, b.text from word a join word b on b.id = a.id * 2 where a.text like 'c%' order by 1 limit 20",
  "select id, sum(length) over (order by text rows 50 preceding) from word order by id desc limit 20",
  "select json_group_array(json_object('id', id, 'text', text)) from (select * from word limit 500)",
  "select group_concat(replace(text, '-', '+'), ',') from (select text from word order by text desc limit 3000)",
  "delete from word where id % 3 = 0",
  "vacuum",
  "select count(*), total(length), group_concat(id) from word where text > 'x' and id < 2000",
  "create table bad(",
};

static int add_row(void *out, int columns, char **values, char **names) {
  (void)names;
  for (int i = 0; i < columns; i++) sqlite3_str_appendf(out, "%s|", values[i] != NULL ? values[i] : "NULL");
  sqlite3_str_appendall(out, "\n");
  return 0;
}

#define STATEMENTS (int)(sizeof script / sizeof *script)

/* What the first so many statements of the script answer; NULL when there is no memory. For free(). */
static char *answers(int statements) {
  sqlite3 *db;
  if (sqlite3_open(":memory:", &db) != SQLITE_OK) return NULL;
  sqlite3_str *out = sqlite3_str_new(db);
  for (int i = 0; i < statements; i++) {
    char *error = NULL;
    sqlite3_exec(db, script[i], add_row, out, &error);
    if (error != NULL) sqlite3_str_appendf(out, "error: %s\n", error);
    sqlite3_free(error);
  }
  char *text = sqlite3_str_finish(out), *copy = strdup(text != NULL ? text : "");
  sqlite3_free(text);
  sqlite3_close(db);
  sqlite3_shutdown();
  return copy;
}

/* The answers; NULL when there is no memory. To be given to `done`. */
__attribute__((export_name("run"))) char *run(void) {
  return answers(STATEMENTS);
}

__attribute__((export_name("done"))) void done(char *text) {
  free(text);
}

/* A checksum of what `statements` statements answer, all for a number that is too large. */
__attribute__((export_name("sqlite"))) unsigned sqlite(int statements) {
  char *text = answers(statements < STATEMENTS ? statements : STATEMENTS);
  unsigned sum = 0;
  for (const char *p = text; p != NULL && *p != 0; p++) sum = sum * 31 + (unsigned char)*p;
  free(text);
  return sum;
}
