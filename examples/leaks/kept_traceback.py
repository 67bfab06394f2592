"""An exception that is kept keeps its traceback, that keeps the frames, and those all that their variables refer to."""

errors = []


class Upload:
    def __init__(self):
        self.parts = [bytes(1000) for _ in range(20)]


def check(upload):
    raise ValueError(f"{len(upload.parts)} parts are too many")


def receive():
    upload = Upload()
    check(upload)


def work():
    try:
        receive()
    except ValueError as error:
        errors.append(error)


def mended():
    try:
        receive()
    except ValueError as error:
        errors.append(str(error))  # the text is all that is shown later
        del errors[:-10]


if __name__ == "__main__":
    for _ in range(1000):
        work()
    print(len(errors), "errors")
