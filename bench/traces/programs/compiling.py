"""Write Python source, parse it, change the tree, compile it, run it, and print it again."""

import ast


def source(number):
    """A module with a class and functions, of a length that varies."""
    methods = "\n".join(
        f"    def method_{n}(self, a, b={n}):\n"
        f'        """Method {n} of class {number}."""\n'
        f"        total = [x * {n} + self.base for x in range(a) if x % {n + 2} != b]\n"
        f"        return sum(total) if total else -{n}\n"
        for n in range(3 + number % 9)
    )
    return (
        f"import math\n\nLIMIT = {number} * 2 + 1\n\n"
        f"class Shape{number}:\n    def __init__(self, base):\n        self.base = base\n\n"
        f"{methods}\n"
        f"def run(shape):\n"
        f"    try:\n        return {{name: getattr(shape, name)(5) for name in dir(shape)\n"
        f"                if name.startswith('method_')}}\n"
        f"    except TypeError as error:\n        return str(error)\n\n"
        f"result = run(Shape{number}(math.floor(LIMIT / 2)))\n"
    )


class Doubler(ast.NodeTransformer):
    """Doubles the constants that are whole numbers."""

    def visit_Constant(self, node):
        if isinstance(node.value, int):
            return ast.copy_location(ast.Constant(node.value * 2), node)
        return node


results = []
modules = []
for number in range(24):
    tree = ast.parse(source(number))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    changed = ast.fix_missing_locations(Doubler().visit(tree))
    code = compile(changed, f"shape{number}.py", "exec", optimize=number % 3)
    namespace = {}
    exec(code, namespace)
    modules.append(namespace)
    again = ast.parse(ast.unparse(changed))
    same = ast.dump(again) == ast.dump(ast.parse(ast.unparse(again)))
    results.append((len(names), same, len(namespace["result"])))
print(len(modules), results[10], sum(same for _, same, _ in results))
