"""Write a document as JSON and read it back, several times."""

import json

document = {
    "users": [
        {
            "id": n,
            "name": f"user {n}",
            "tags": [f"tag{n % 7}", f"tag{n % 11}", f"tag{n % 13}"],
            "address": {"street": f"{n} Main Street", "zip": 10_000 + n, "geo": [n / 7, n / 11]},
        }
        for n in range(8_000)
    ]
}
for _ in range(4):
    text = json.dumps(document)
    document = json.loads(text)
print(len(text), document["users"][-1]["name"])
