/** The Python side of `pymalloc run`: what CPython's own main does with a script. */
export const RUNNER = `
def _make_runner():
    import atexit, gc, os, sys, traceback, types

    def cut(trace):
        """Leave out what is JavaScript: our sleep, which was interrupted."""
        while trace is not None:
            if trace.tb_next and trace.tb_next.tb_frame.f_code.co_filename.startswith("file:"):
                trace.tb_next = None
            trace = trace.tb_next

    def report(error):
        """The exit status that an exception ends a program with, after telling of it."""
        if isinstance(error, SystemExit):
            if error.code is None:
                return 0
            if isinstance(error.code, int):
                return error.code & 0xFF
            try:
                print(error.code, file=sys.stderr)
            except BaseException:
                pass  # as CPython does: a text that can't be had is left out
            return 1
        # The frame of run() itself is nobody's business.
        trace = error.__traceback__ and error.__traceback__.tb_next
        if isinstance(error, KeyboardInterrupt):
            cut(trace)
        try:
            sys.excepthook(type(error), error, trace)
        except BaseException:
            traceback.print_exc()
        return 130 if isinstance(error, KeyboardInterrupt) else 1

    def abort():
        """Abort the interpreter immediately."""
        os._exit(134)

    def flush(status):
        """The exit status, which is another one where what was printed can't be written."""
        for stream in (sys.stdout, sys.stderr):
            if stream is None or getattr(stream, "closed", False):
                continue
            try:
                stream.flush()
            except BaseException as error:
                if stream is sys.stderr:
                    continue
                print("Exception ignored while flushing sys.stdout:", file=sys.stderr)
                traceback.print_exception(error.with_traceback(None))
                status = 120
        return status

    def run(path, content, arguments, directory, cwd, at_end):
        """Run a file as __main__; its exit status. At its end its globals are still there."""
        main = types.ModuleType("__main__")
        main.__file__ = os.path.abspath(os.path.join(cwd, path))
        main.__cached__ = None
        # A program that ran before may have read ahead, or closed its streams.
        sys.stdin = open(0, closefd=False, encoding=sys.__stdin__.encoding)
        saved = sys.argv, sys.path[:], sys.modules.get("__main__")
        sys.argv = [path, *arguments]
        sys.path.insert(0, directory)
        sys.modules["__main__"] = main
        # Emscripten would crash instead, which looks as if something had gone wrong.
        os.abort = sys.modules["posix"].abort = abort
        os.chdir(cwd)
        try:
            if content is None:
                with open(main.__file__, "rb") as file:
                    source = file.read()
            else:
                source = content.to_bytes()
            code = compile(source, main.__file__, "exec", dont_inherit=True)
            # Whoever looks at the memory finds what is the program's.
            del source
            exec(code, main.__dict__)
            status = 0
        except BaseException as error:
            status = report(error)
        if at_end is not None:
            at_end()
        sys.argv, sys.path[:], sys.modules["__main__"] = saved
        return status

    def finish(status):
        """What CPython does at the end of a program; its exit status."""
        atexit._run_exitfuncs()
        gc.collect()
        return flush(status)

    return run, finish

_make_runner()
`;
