"""Group records into dicts of dicts and merge them."""

records = [{"id": n, "group": n % 97, "value": n * 1.5, "tag": f"t{n % 1000}"} for n in range(60_000)]
groups = {}
for record in records:
    group = groups.setdefault(record["group"], {})
    group.setdefault(record["tag"], []).append({**record, "seen": True})
totals = {
    key: {tag: sum(r["value"] for r in rows) for tag, rows in group.items()}
    for key, group in groups.items()
}
print(len(totals), sum(len(group) for group in totals.values()), sum(totals[5].values()))
