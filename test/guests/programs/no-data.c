/* A guest with a stack, and without any data that would show where it lies. */
void use(char *p);

__attribute__((noinline)) void use(char *p) {
  for (int i = 0; i < 100; i++) *(volatile char *)(p + i) = (char)i;
}

__attribute__((export_name("run"))) int run(void) {
  char bytes[100];
  use(bytes);
  return bytes[50];
}
