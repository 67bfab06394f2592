"""Read, change and write JSON documents: the work of a small web service."""

import json


def order(number):
    """A document with lists and objects in it."""
    return {
        "id": f"order-{number:06}",
        "paid": number % 3 > 0,
        "customer": {"name": f"customer {number % 211}", "city": f"city {number % 17}"},
        "lines": [
            {"article": f"A{(number * n) % 997}", "quantity": n, "price": number * n / 8}
            for n in range(1, 2 + number % 6)
        ],
    }


store = {}
for number in range(2_000):
    request = json.dumps(order(number))
    document = json.loads(request)
    document["total"] = sum(line["quantity"] * line["price"] for line in document["lines"])
    store[document["id"]] = document
    if number % 4 == 3:
        # A report over the last ones, indented as people like it.
        keys = list(store)[-8:]
        report = json.dumps([store[key] for key in keys], indent=2, sort_keys=True)
        if json.loads(report)[-1]["id"] != document["id"]:
            raise SystemExit("the report is wrong")
print(len(store), len(report), round(sum(d["total"] for d in store.values()), 2))
