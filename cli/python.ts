/** The Python side of `pymalloc run`: what CPython's own main does with a script. */
export const RUNNER = `
def _make_runner():
    import atexit, gc, os, sys, traceback, types

    def report(error):
        """The exit status that an exception ends a program with, after telling of it."""
        if isinstance(error, SystemExit):
            if error.code is None:
                return 0
            if isinstance(error.code, int):
                return error.code & 0xFF
            print(error.code, file=sys.stderr)
            return 1
        # The frame of run() itself is nobody's business.
        trace = error.__traceback__ and error.__traceback__.tb_next
        try:
            sys.excepthook(type(error), error, trace)
        except BaseException:
            traceback.print_exc()
        return 130 if isinstance(error, KeyboardInterrupt) else 1

    def flush():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, ValueError, OSError):
                pass

    def run(path, arguments, directory, cwd):
        """Run a file as __main__; its exit status."""
        main = types.ModuleType("__main__")
        main.__file__ = os.path.abspath(os.path.join(cwd, path))
        main.__cached__ = None
        # A program that ran before may have read ahead, or closed its streams.
        sys.stdin = open(0, closefd=False, encoding=sys.__stdin__.encoding)
        saved = sys.argv, sys.path[:], sys.modules.get("__main__")
        sys.argv = [path, *arguments]
        sys.path.insert(0, directory)
        sys.modules["__main__"] = main
        os.chdir(cwd)
        try:
            with open(main.__file__, "rb") as file:
                source = file.read()
            exec(compile(source, main.__file__, "exec", dont_inherit=True), main.__dict__)
            status = 0
        except BaseException as error:
            status = report(error)
        sys.argv, sys.path[:], sys.modules["__main__"] = saved
        return status

    def finish():
        """What CPython does at the end of a program."""
        atexit._run_exitfuncs()
        gc.collect()
        flush()

    return run, finish

_make_runner()
`;
