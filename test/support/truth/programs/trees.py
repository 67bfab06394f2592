"""Trees as they come out of JSON and XML, a copy of them, a pickle, a compiled syntax tree."""

import ast
import copy
import json
import pickle
import xml.etree.ElementTree

document = {
    "orders": [
        {"id": n, "lines": [{"sku": f"sku {m}", "price": m * 1.1, "gift": None} for m in range(4)], "paid": n % 2 == 0}
        for n in range(200)
    ]
}
tree = json.loads(json.dumps(document))
again = copy.deepcopy(tree)
pickled = pickle.loads(pickle.dumps(document))
xml_tree = xml.etree.ElementTree.fromstring(
    "<shop>" + "".join(f"<order id='{n}'><line>{n}</line>tail</order>" for n in range(100)) + "</shop>"
)
found = xml_tree.findall("order/line")
syntax = ast.parse("def f(a, *b, c=1, **d):\n    return [x for x in a if x > c]\n" * 20)
compiled = [compile(f"def f{n}(x):\n    y = x + {n}\n    return lambda: (x, y, {n}, 'text {n}')", "made", "exec") for n in range(50)]
spaces = []
for code in compiled:
    space = {}
    exec(code, space)
    spaces.append(space)
