"""A generator that waits for ever: it holds its variables until it is finished, closed or forgotten, and here it is kept."""

readers = []


class Table:
    def __init__(self):
        self.rows = [[n, str(n), None] for n in range(50)]


def read(table):
    for row in table.rows:
        yield row


def first_row():
    reader = read(Table())
    readers.append(reader)  # "to go on later", which nobody does
    return next(reader)


def work():
    return first_row()


def mended():
    row = first_row()
    readers.pop().close()
    return row


if __name__ == "__main__":
    for _ in range(1000):
        work()
    print(len(readers), "readers")
