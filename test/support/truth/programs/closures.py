"""Functions: closures over cells, empty cells, defaults, annotations, lambdas, recursion, nested three deep."""


def counter(start, step=1):
    value = start

    def up(by: int = step) -> int:
        nonlocal value
        value += by
        return value

    def down():
        return up(-step)

    return up, down


def deep(a):
    def middle(b):
        def inner(c, *, flag=(a, b)):
            return a, b, c, flag, inner

        return inner

    return middle


def empty():
    def early():
        return later

    if early is None:
        later = 1
    return early


counters = [counter(n, n + 1) for n in range(300)]
for up, down in counters:
    up()
    down()
inners = [deep([n])({n}) for n in range(200)]
lambdas = [lambda x, n=n, kept=[n]: (x, n, kept, deep) for n in range(200)]
earlies = [empty() for _ in range(50)]
callbacks = {up: [down] for up, down in counters}
for number, function in enumerate(lambdas[:50]):
    function.note = f"note {number}"
    function.__annotations__["x"] = list[int]
cells = [function.__closure__ for function in inners]
