"""Parse arithmetic expressions into trees, simplify them, and write them out again."""

import re

TOKEN = re.compile(r"\s*(?:(\d+\.?\d*)|(\w+)|(.))")


def tokens(text):
    for number, name, operator in TOKEN.findall(text):
        if number:
            yield ("number", float(number))
        elif name:
            yield ("name", name)
        else:
            yield ("operator", operator)
    yield ("end", None)


class Parser:
    def __init__(self, text):
        self.tokens = tokens(text)
        self.advance()

    def advance(self):
        self.kind, self.value = next(self.tokens)

    def binary(self, operators, operand):
        left = operand()
        while self.kind == "operator" and self.value in operators:
            operator = self.value
            self.advance()
            left = (operator, left, operand())
        return left

    def expression(self):
        return self.binary("+-", self.term)

    def term(self):
        return self.binary("*/", self.atom)

    def atom(self):
        kind, value = self.kind, self.value
        self.advance()
        if value == "(":
            inner = self.expression()
            self.advance()
            return inner
        return (kind, value)


def simplified(tree):
    if len(tree) == 2:
        return tree
    operator, left, right = tree[0], simplified(tree[1]), simplified(tree[2])
    if left[0] == right[0] == "number" and operator in "+*":
        return ("number", left[1] + right[1] if operator == "+" else left[1] * right[1])
    return (operator, left, right)


def written(tree):
    if len(tree) == 2:
        return str(tree[1])
    return f"({written(tree[1])} {tree[0]} {written(tree[2])})"


sources = [
    f"(a{number} + {number}.5) * (b - {number} * (c{number % 9} + 2 * 3)) / (d + {number % 7} * 4 - e * (f + 1))"
    for number in range(1_500)
]
trees = [simplified(Parser(source).expression()) for source in sources]
texts = [written(tree) for tree in trees]
print(len(texts), sum(map(len, texts)), texts[1])
