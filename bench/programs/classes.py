"""Instances with attributes and slots, linked into trees and walked."""


class Node:
    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key = key
        self.left = None
        self.right = None


class Account:
    def __init__(self, number, owner):
        self.number = number
        self.owner = owner
        self.entries = []

    def book(self, amount):
        self.entries.append((len(self.entries), amount))


def insert(root, key):
    while True:
        side = "left" if key < root.key else "right"
        child = getattr(root, side)
        if child is None:
            setattr(root, side, Node(key))
            return
        root = child


def depth(node):
    return 0 if node is None else 1 + max(depth(node.left), depth(node.right))


root = Node(500_000)
state = 12345
for _ in range(20_000):
    state = (state * 1103515245 + 12345) % 1_000_003
    insert(root, state)
accounts = [Account(n, f"owner {n % 500}") for n in range(20_000)]
for step in range(5):
    for account in accounts:
        account.book(step * 1.25 + account.number)
accounts = [a for a in accounts if a.number % 3]
print(depth(root), sum(amount for a in accounts for _, amount in a.entries))
